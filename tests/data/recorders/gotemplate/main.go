// Records ../../go-templates.jsonl anew: every line is rendered as the ApplicationSet controller renders it
// (argo-cd applicationset/utils/utils.go Replace), with the modules of its go.mod:
//
//	go mod init recorder && go get github.com/Masterminds/sprig/v3@v3.3.0 github.com/gosimple/slug@v1.15.0 \
//	  github.com/spf13/cast@v1.7.1 sigs.k8s.io/yaml@v1.6.0 && go run . ../../go-templates.jsonl
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/gosimple/slug"
	"sigs.k8s.io/yaml"
)

type vector struct {
	Template   string         `json:"template"`
	Parameters map[string]any `json:"parameters"`
	Missing    string         `json:"missing,omitempty"`
	Text       *string        `json:"text,omitempty"`
	Error      string         `json:"error,omitempty"`
}

var unwanted = regexp.MustCompile("[^-a-z0-9.]")

func normalize(name string) string {
	name = unwanted.ReplaceAllString(strings.ToLower(name), "-")
	return strings.Trim(name[:min(len(name), 253)], "-.")
}

func slugify(arguments ...any) string {
	size, smart, name := 50, true, ""
	for index, argument := range arguments {
		if index == len(arguments)-1 {
			name = argument.(string)
		} else if index == 0 {
			size = argument.(int)
		} else if index == 1 {
			smart = argument.(bool)
		}
	}
	slug.EnableSmartTruncate, slug.MaxLength = smart, size
	return slug.Make(normalize(name))
}

func functions() map[string]any {
	all := sprig.GenericFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(all, name)
	}
	all["normalize"], all["slugify"] = normalize, slugify
	all["toYaml"] = func(value any) (string, error) {
		out, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(out), "\n"), err
	}
	all["fromYaml"] = func(text string) (map[string]any, error) {
		value := map[string]any{}
		err := yaml.Unmarshal([]byte(text), &value)
		return value, err
	}
	all["fromYamlArray"] = func(text string) ([]any, error) {
		value := []any{}
		err := yaml.Unmarshal([]byte(text), &value)
		return value, err
	}
	return all
}

func parameters(plain map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range plain {
		out[key] = value
		if nested, ok := value.(map[string]any); ok && key == "values" { // what a generator's `values` become
			texts := map[string]string{}
			for name, text := range nested {
				texts[name] = text.(string)
			}
			out[key] = texts
		}
	}
	return out
}

func render(one vector) vector {
	one.Text, one.Error = nil, ""
	tree := template.New("base").Funcs(functions())
	if one.Missing != "" {
		tree = tree.Option("missingkey=" + one.Missing)
	}
	parsed, err := tree.Parse(one.Template)
	var out bytes.Buffer
	if err == nil {
		err = parsed.Execute(&out, parameters(one.Parameters))
	}
	if err != nil {
		one.Error = err.Error()
		return one
	}
	text := out.String()
	one.Text = &text
	return one
}

func main() {
	content, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one vector
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			panic(err)
		}
		if err := encoder.Encode(render(one)); err != nil {
			panic(err)
		}
	}
	if err := os.WriteFile(os.Args[1], out.Bytes(), 0o644); err != nil {
		panic(err)
	}
}
