// Answers what the Rollout controller's own validation says of manifests: one JSON object a line on stdin, one answer
// a line on stdout. An answer holds `malformed` (what of the object cannot be decoded, which the controller drops) and
// `errors`, each with its `field` and `text`, in the order in which the controller finds them.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/validation"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/klog/v2"
)

type fault struct {
	Field string `json:"field"`
	Text  string `json:"text"`
}

type answer struct {
	Malformed string  `json:"malformed,omitempty"`
	Errors    []fault `json:"errors"`
}

// decode reads an object as the informer of the controller does: what does not fit its type is left out, the rest kept.
func decode(line []byte, into *v1alpha1.Rollout) (malformed string, err error) {
	object := map[string]any{}
	if err := utiljson.Unmarshal(line, &object); err != nil {
		return "", err
	}
	problem := runtime.DefaultUnstructuredConverter.FromUnstructured(object, into)
	if problem == nil {
		return "", nil
	}
	_ = json.Unmarshal(line, into)
	return problem.Error(), nil
}

// judge also survives a panic of the validation, which is then one more error.
func judge(rollout *v1alpha1.Rollout) (found []fault) {
	found = []fault{}
	defer func() {
		if problem := recover(); problem != nil {
			found = append(found, fault{"", fmt.Sprintf("panic: %v", problem)})
		}
	}()
	for _, each := range validation.ValidateRollout(rollout) {
		found = append(found, fault{each.Field, each.ErrorBody()})
	}
	return found
}

func run(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	answers := json.NewEncoder(out)
	for lines.Scan() {
		rollout := &v1alpha1.Rollout{}
		malformed, err := decode(lines.Bytes(), rollout)
		if err != nil {
			return err
		}
		if err := answers.Encode(answer{malformed, judge(rollout)}); err != nil {
			return err
		}
	}
	return lines.Err()
}

func main() {
	klog.SetOutput(io.Discard)
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
