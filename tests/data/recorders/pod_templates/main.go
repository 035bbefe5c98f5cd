// Records ../../pod-templates.jsonl anew: what argo-rollouts makes of a pod template that changes. It reads rows with
// `before` and `after` on stdin and writes them on stdout with
//
//	sameHash: whether both have one pod template hash
//	same: whether a ReplicaSet made from `before` is found for `after` by comparison, but for defaults
//	defaulted: `after` with the defaults of Kubernetes
//
// With tests/oracle/go.mod beside it, which pins argo-rollouts v1.9.1 and Kubernetes 1.34:
//
//	go run . <../../pod-templates.jsonl
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"github.com/argoproj/argo-rollouts/utils/hash"
	"github.com/argoproj/argo-rollouts/utils/replicaset"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsdefaults "k8s.io/kubernetes/pkg/apis/apps/v1"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	coredefaults "k8s.io/kubernetes/pkg/apis/core/v1"
)

type row struct {
	Before    map[string]any          `json:"before"`
	After     map[string]any          `json:"after"`
	Same      bool                    `json:"same"`
	SameHash  bool                    `json:"sameHash"`
	Defaulted *corev1.PodTemplateSpec `json:"defaulted,omitempty"`
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func decode(object map[string]any) *corev1.PodTemplateSpec {
	template := &corev1.PodTemplateSpec{}
	check(runtime.DefaultUnstructuredConverter.FromUnstructured(object, template))
	return template
}

// stored is what the API server keeps of a ReplicaSet with this template.
func stored(template *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	written := &appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Template: *template.DeepCopy()}}
	appsdefaults.SetObjectDefaults_ReplicaSet(written)
	internal, back := &apps.ReplicaSet{}, &appsv1.ReplicaSet{}
	check(legacyscheme.Scheme.Convert(written, internal, nil))
	check(legacyscheme.Scheme.Convert(internal, back, nil))
	raw, err := json.Marshal(back)
	check(err)
	read := &appsv1.ReplicaSet{}
	check(json.Unmarshal(raw, read))
	return &read.Spec.Template
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	rows := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		each := row{}
		check(json.Unmarshal(lines.Bytes(), &each))
		before, after := decode(each.Before), decode(each.After)
		each.SameHash = hash.ComputePodTemplateHash(before, nil) == hash.ComputePodTemplateHash(after, nil)
		each.Same = replicaset.PodTemplateEqualIgnoreHash(stored(before), after)
		if each.Defaulted != nil {
			filled := &corev1.PodTemplate{Template: *after.DeepCopy()}
			coredefaults.SetObjectDefaults_PodTemplate(filled)
			each.Defaulted = &filled.Template
		}
		check(rows.Encode(each))
	}
}
