// Records ../../sync-order.jsonl anew with gitops-engine. In a checkout of argo-cd (37ee0097cf, 3.6.0-dev), with this
// file in gitops-engine/pkg/sync:
//
//	RECORD_TO=/tmp/sync-order.jsonl go test ./pkg/sync/ -run TestRecordSyncOrder
//
// Each line: the objects (group, kind, namespace, name, annotations in Git or null, live annotations or null, what a
// definition defines), whether `PruneLast=true` is set, the tasks in one order that Argo CD gives them (phase, wave,
// number of the object, whether it is pruned), and whether it is a sync of several steps.
package sync

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/sync/hook"
	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/sync/ignore"
	kubeutil "github.com/argoproj/argo-cd/gitops-engine/v3/pkg/utils/kube"
)

var recordedKinds = [][2]string{
	{"", "Namespace"}, {"", "Service"}, {"", "ConfigMap"}, {"argoproj.io", "Rollout"}, {"networking.istio.io", "VirtualService"},
	{"batch", "Job"}, {"apps", "Deployment"}, {"apiextensions.k8s.io", "CustomResourceDefinition"},
	{"rbac.authorization.k8s.io", "ClusterRole"},
}

var recordedScopes = []string{"Namespace", "CustomResourceDefinition", "ClusterRole"}

type recordedInfo struct{}

func (recordedInfo) IsNamespaced(gk schema.GroupKind) (bool, error) {
	return !slices.Contains(recordedScopes, gk.Kind), nil
}

func recordedAnnotations(r *rand.Rand) map[string]string {
	found := map[string]string{}
	pick := func(values ...string) string { return values[r.Intn(len(values))] }
	if r.Intn(2) == 0 {
		found["argocd.argoproj.io/sync-wave"] = pick("-2", "-1", "0", "1", "2", "5", "x", "1.5")
	}
	if r.Intn(6) == 0 {
		found["helm.sh/hook-weight"] = pick("-3", "3", "y")
	}
	if r.Intn(4) == 0 {
		found["argocd.argoproj.io/hook"] = pick("PreSync", "Sync", "PostSync", "SyncFail", "PreSync,PostSync", "Skip", "Skip, Sync", "post-sync", "")
	}
	if r.Intn(9) == 0 {
		found["helm.sh/hook"] = pick("pre-install,pre-upgrade", "post-install", "test", "crd-install", "pre-rollback")
	}
	if r.Intn(5) == 0 {
		found["argocd.argoproj.io/sync-options"] = pick("PruneLast=true", "Validate=false, PruneLast=true", "Prune=false")
	}
	return found
}

func TestRecordSyncOrder(t *testing.T) {
	file, err := os.Create(os.Getenv("RECORD_TO"))
	if err != nil {
		t.Skip("RECORD_TO names no file")
	}
	defer file.Close()
	r := rand.New(rand.NewSource(11))
	for range 250 {
		syncCtx := newTestSyncCtx(nil)
		syncCtx.namespace = "shop"
		syncCtx.pruneLast = r.Intn(4) == 0
		seen := map[kubeutil.ResourceKey]int{}
		var objects [][]any
		var targets []*unstructured.Unstructured
		live := map[kubeutil.ResourceKey]*unstructured.Unstructured{}
		for range 1 + r.Intn(9) {
			gk := recordedKinds[r.Intn(len(recordedKinds))]
			namespace := []string{"shop", "shop", "other"}[r.Intn(3)]
			if slices.Contains(recordedScopes, gk[1]) {
				namespace = ""
			}
			name := []string{"a", "b", "shop", "other"}[r.Intn(4)]
			key := kubeutil.NewResourceKey(gk[0], gk[1], namespace, name)
			if _, ok := seen[key]; ok {
				continue
			}
			seen[key] = len(objects)
			defines := ""
			build := func(annotations map[string]string) *unstructured.Unstructured {
				un := &unstructured.Unstructured{Object: map[string]any{}}
				un.SetGroupVersionKind(schema.GroupVersionKind{Group: gk[0], Version: "v1", Kind: gk[1]})
				un.SetName(name)
				un.SetNamespace(namespace)
				un.SetAnnotations(annotations)
				if gk[1] == "CustomResourceDefinition" {
					kind := map[string]string{"a": "Rollout", "b": "Deployment"}[name]
					group := map[string]string{"a": "argoproj.io", "b": "apps"}[name]
					if kind != "" {
						defines = group + "/" + kind
						un.Object["spec"] = map[string]any{"group": group, "names": map[string]any{"kind": kind}}
					}
				}
				return un
			}
			var inGit, inCluster any
			where := r.Intn(3)
			if where != 0 {
				annotations := recordedAnnotations(r)
				inGit = annotations
				targets = append(targets, build(annotations))
			}
			if where != 1 {
				annotations := recordedAnnotations(r)
				// An object that becomes a hook is pruned only in the first list of tasks: each step makes a new list.
				becomes := where == 2 && hook.IsHook(targets[len(targets)-1]) && !ignore.Ignore(targets[len(targets)-1])
				if becomes || where == 2 && r.Intn(2) == 0 {
					annotations = inGit.(map[string]string)
				}
				inCluster = annotations
				live[key] = build(annotations)
				live[key].SetUID(types.UID(key.String()))
			}
			objects = append(objects, []any{gk[0], gk[1], namespace, name, inGit, inCluster, defines})
		}
		result := Reconcile(targets, live, "shop", recordedInfo{})
		syncCtx.resources = groupResources(result)
		syncCtx.hooks = result.Hooks
		tasks, _ := syncCtx.getSyncTasks(context.Background())
		recorded := [][]any{}
		for _, task := range tasks {
			namespace := task.namespace()
			if slices.Contains(recordedScopes, task.kind()) {
				namespace = ""
			}
			key := kubeutil.NewResourceKey(task.group(), task.kind(), namespace, task.name())
			recorded = append(recorded, []any{string(task.phase), task.wave(), seen[key], task.isPrune()})
		}
		line, err := json.Marshal([]any{objects, syncCtx.pruneLast, recorded, tasks.multiStep()})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(file, strings.TrimSpace(string(line)))
	}
}
