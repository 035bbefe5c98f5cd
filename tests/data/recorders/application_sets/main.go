// Says what ApplicationSets generate, with Argo CD's own generators and templates: one JSON line {"set", "files"} in, one
// {"apps"} or {"error"} out. So the lines of ../../application-sets.jsonl were recorded, from random sets.
//
// Build it inside a checkout of argo-cd v3.5 or newer. The packages `mini/...` are copies of applicationset/generators
// ({list,matrix,merge,git,interface,generator_spec_processor,value_interpolation}.go), of applicationset/utils
// ({utils,map,selector,template_functions}.go), of applicationset/controllers/template and of the interface Repos of
// applicationset/services, with their imports changed to each other: the whole packages import every SCM's client.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"sort"
	"strings"

	log "github.com/sirupsen/logrus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argoproj/argo-cd/v3/mini/generators"
	"github.com/argoproj/argo-cd/v3/mini/template"
	"github.com/argoproj/argo-cd/v3/mini/utils"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
)

type repos struct{ files map[string]string }

func (r repos) GetFiles(_ context.Context, _, _, _, pattern string, _ bool, _ *v1alpha1.SourceIntegrity) (map[string][]byte, error) {
	out := map[string][]byte{}
	for name, text := range r.files {
		if name == pattern || strings.HasPrefix(name, pattern+"/") {
			out[name] = []byte(text)
		} else if ok, _ := path.Match(pattern, name); ok {
			out[name] = []byte(text)
		}
	}
	return out, nil
}

func (r repos) GetDirectories(_ context.Context, _, _, _ string, _ bool, _ *v1alpha1.SourceIntegrity) ([]string, error) {
	seen := map[string]bool{}
	for name := range r.files {
		for d := path.Dir(name); d != "."; d = path.Dir(d) {
			hidden := false
			for _, part := range strings.Split(d, "/") {
				hidden = hidden || strings.HasPrefix(part, ".")
			}
			if !hidden {
				seen[d] = true
			}
		}
	}
	out := []string{}
	for d := range seen {
		out = append(out, d)
	}
	sort.Strings(out)
	return out, nil
}

type fake struct{ client.Client }

func (fake) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error { return nil }

type in struct {
	Set   v1alpha1.ApplicationSet `json:"set"`
	Files map[string]string       `json:"files"`
}

type out struct {
	Apps  []v1alpha1.Application `json:"apps,omitempty"`
	Error string                 `json:"error,omitempty"`
}

func one(line []byte) (o out) {
	defer func() {
		if r := recover(); r != nil {
			o = out{Error: fmt.Sprintf("panic: %v", r)}
		}
	}()
	var i in
	if err := json.Unmarshal(line, &i); err != nil {
		return out{Error: "decode: " + err.Error()}
	}
	r := repos{i.Files}
	terminal := map[string]generators.Generator{"List": generators.NewListGenerator(), "Git": generators.NewGitGenerator(r, "argocd")}
	with := func(base map[string]generators.Generator) map[string]generators.Generator {
		next := map[string]generators.Generator{"Matrix": generators.NewMatrixGenerator(base), "Merge": generators.NewMergeGenerator(base)}
		for k, v := range terminal {
			next[k] = v
		}
		return next
	}
	apps, _, err := template.GenerateApplications(log.NewEntry(log.StandardLogger()), i.Set, with(with(terminal)), &utils.Render{}, fake{})
	if err != nil {
		return out{Error: err.Error()}
	}
	return out{Apps: apps}
}

func main() {
	log.SetOutput(io.Discard)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<22)
	enc := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := enc.Encode(one(lines.Bytes())); err != nil {
			panic(err)
		}
	}
}
