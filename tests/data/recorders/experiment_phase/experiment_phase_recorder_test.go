// Records ../../experiment-phase.json anew with the experiment controller of argo-rollouts. In a checkout of v1.9.1,
// with this file beside experiments/experiment.go:
//
//	RECORD_TO=/tmp/experiment-phase.json go test ./experiments/ -run TestRecordExperimentPhases
//
// One template whose pod is available, and every multiset of up to three analyses: required or not, in one of six
// phases. The experiment is reconciled once with the runs in these phases. Then the runs that have not completed end,
// Successful or Failed, and it is reconciled until nothing changes any more.
package experiments

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8sfake "k8s.io/client-go/kubernetes/fake"
	kubetesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/pkg/client/clientset/versioned/fake"
	listers "github.com/argoproj/argo-rollouts/pkg/client/listers/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/utils/record"
)

const recordedComment = "Recorded from the experiment controller of argo-rollouts v1.9.1 by recorders/experiment_phase. " +
	"Each row: for each analysis y (requiredForCompletion) or n; the phase of each AnalysisRun (P Pending, R Running, " +
	"S Successful, F Failed, E Error, I Inconclusive); the duration (none, running, over); the phase of the experiment " +
	"after one reconciliation; where it settles if the unfinished runs become Successful, and if they become Failed; " +
	"for each analysis x where the controller asked its run to terminate, else a dot"

var recordedPhases = map[byte]v1alpha1.AnalysisPhase{
	'P': v1alpha1.AnalysisPhasePending,
	'R': v1alpha1.AnalysisPhaseRunning,
	'S': v1alpha1.AnalysisPhaseSuccessful,
	'F': v1alpha1.AnalysisPhaseFailed,
	'E': v1alpha1.AnalysisPhaseError,
	'I': v1alpha1.AnalysisPhaseInconclusive,
}

// silent takes events and tells nobody; the recorder that tests use waits for its informers.
type silent struct{ record.EventRecorder }

func (silent) Eventf(runtime.Object, record.EventOptions, string, ...any) {}

// played is an experiment with what surrounds it between two reconciliations.
type played struct {
	t          *testing.T
	experiment *v1alpha1.Experiment
	pods       *appsv1.ReplicaSet
	runs       []*v1alpha1.AnalysisRun
	asked      []bool
}

func newPlayed(t *testing.T, required, phases, duration string) *played {
	experiment := newExperiment("recorded", generateTemplates("canary"), "")
	experiment.Spec.ScaleDownDelaySeconds = ptr.To[int32](0)
	available := metav1.NewTime(time.Now().Add(-time.Minute))
	switch duration {
	case "running":
		experiment.Spec.Duration = "1h"
	case "over":
		experiment.Spec.Duration = "30s"
	}
	experiment.Status = v1alpha1.ExperimentStatus{Phase: v1alpha1.AnalysisPhaseRunning, AvailableAt: &available}
	experiment.Status.TemplateStatuses = []v1alpha1.TemplateStatus{
		generateTemplatesStatus("canary", 1, 1, v1alpha1.TemplateStatusRunning, &available),
	}
	p := &played{t: t, experiment: experiment}
	p.pods = templateToRS(experiment, experiment.Spec.Templates[0], 1)
	for i := range phases {
		name := fmt.Sprintf("analysis-%d", i)
		experiment.Spec.Analyses = append(experiment.Spec.Analyses, v1alpha1.ExperimentAnalysisTemplateRef{
			Name: name, TemplateName: "any", RequiredForCompletion: required[i] == 'y',
		})
		experiment.Status.AnalysisRuns = append(experiment.Status.AnalysisRuns, v1alpha1.ExperimentAnalysisRunStatus{
			Name: name, AnalysisRun: name, Phase: v1alpha1.AnalysisPhaseRunning,
		})
		p.runs = append(p.runs, &v1alpha1.AnalysisRun{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: experiment.Namespace},
			Status:     v1alpha1.AnalysisRunStatus{Phase: recordedPhases[phases[i]]},
		})
		p.asked = append(p.asked, false)
	}
	return p
}

// reconcile lets the controller see everything once and gives the phase it leaves the experiment in.
func (p *played) reconcile() v1alpha1.AnalysisPhase {
	cluster, client := k8sfake.NewSimpleClientset(p.pods.DeepCopy()), fake.NewSimpleClientset()
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for _, run := range p.runs {
		if err := indexer.Add(run.DeepCopy()); err != nil {
			p.t.Fatal(err)
		}
		if err := client.Tracker().Add(run.DeepCopy()); err != nil {
			p.t.Fatal(err)
		}
	}
	ec := newExperimentContext(p.experiment.DeepCopy(), map[string]*appsv1.ReplicaSet{"canary": p.pods.DeepCopy()},
		nil, cluster, client, nil, nil, nil, listers.NewAnalysisRunLister(indexer), nil, silent{}, 0,
		func(any, time.Duration) {})
	p.experiment.Status = *ec.reconcile()
	for _, action := range client.Actions() {
		patch, ok := action.(kubetesting.PatchAction)
		if !ok || action.GetResource().Resource != "analysisruns" {
			continue
		}
		for i, run := range p.runs {
			if run.Name == patch.GetName() {
				run.Spec.Terminate = true
				p.asked[i] = true
			}
		}
	}
	// the pods follow what the ReplicaSet asks for at once
	pods, err := cluster.AppsV1().ReplicaSets(p.pods.Namespace).Get(context.TODO(), p.pods.Name, metav1.GetOptions{})
	if err != nil {
		p.t.Fatal(err)
	}
	count := *pods.Spec.Replicas
	pods.Status = appsv1.ReplicaSetStatus{Replicas: count, ReadyReplicas: count, AvailableReplicas: count}
	p.pods = pods
	return p.experiment.Status.Phase
}

// settled reconciles on after the unfinished runs have ended in a phase.
func (p *played) settled(ends v1alpha1.AnalysisPhase) v1alpha1.AnalysisPhase {
	p.reconcile()
	for _, run := range p.runs {
		if !run.Status.Phase.Completed() {
			run.Status.Phase = ends
		}
	}
	for range 4 {
		p.reconcile()
	}
	return p.experiment.Status.Phase
}

// terminated tells which runs the controller asks to terminate while they go on.
func (p *played) terminated() string {
	for range 4 {
		p.reconcile()
	}
	marks := bytes.Repeat([]byte{'.'}, len(p.asked))
	for i, asked := range p.asked {
		if asked {
			marks[i] = 'x'
		}
	}
	return string(marks)
}

func TestRecordExperimentPhases(t *testing.T) {
	file := os.Getenv("RECORD_TO")
	if file == "" {
		t.Skip("RECORD_TO names no file")
	}
	kinds := []string{}
	for _, required := range "yn" {
		for _, phase := range "PRSFEI" {
			kinds = append(kinds, string(required)+string(phase))
		}
	}
	logrus.SetOutput(io.Discard)
	groups := [][]string{{}}
	for from, size := 0, 1; size <= 3; size++ {
		to := len(groups)
		for _, group := range groups[from:to] {
			for _, kind := range kinds {
				if len(group) == 0 || group[len(group)-1] <= kind {
					groups = append(groups, append(append([]string{}, group...), kind))
				}
			}
		}
		from = to
	}
	var out bytes.Buffer
	comment, _ := json.Marshal(recordedComment)
	fmt.Fprintf(&out, "{\"comment\": %s,\n\"rows\": [", comment)
	for i, group := range groups {
		required, phases := "", ""
		for _, kind := range group {
			required, phases = required+kind[:1], phases+kind[1:]
		}
		for j, duration := range []string{"none", "running", "over"} {
			start := func() *played { return newPlayed(t, required, phases, duration) }
			row, _ := json.Marshal([]string{
				required, phases, duration,
				string(start().reconcile()),
				string(start().settled(v1alpha1.AnalysisPhaseSuccessful)),
				string(start().settled(v1alpha1.AnalysisPhaseFailed)),
				start().terminated(),
			})
			if i+j > 0 {
				out.WriteString(",")
			}
			out.WriteString("\n" + string(row))
		}
	}
	out.WriteString("\n]}\n")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
