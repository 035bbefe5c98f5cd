// Records ../../sync-windows.json anew with robfig/cron in the version that argo-cd uses. In an empty module:
//
//	go get github.com/robfig/cron/v3@v3.0.2-0.20210106135023-bc59245fe10e && go run . > sync-windows.json
//
// Each row: a schedule, the minutes that its window lasts, a time in seconds since 1970, and whether the window is open
// then, as argo-cd asks (`SyncWindow.Active`); null where the schedule is refused.
package main

import (
	"encoding/json"
	"fmt"
	"github.com/robfig/cron/v3"
	"math/rand"
	"os"
	"time"
)

type V struct {
	S string
	D int64
	T int64
	A *bool
}

func main() {
	r := rand.New(rand.NewSource(7))
	p := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	mins := []string{"0", "*", "*/17", "5,45", "59", "10-20/3", "61", "?", "5/20", "*/1", "0-", "-1", "+5", "07"}
	hours := []string{"*", "3", "8-18/5", "23", "0", "22-2", "24", "?", "*/24", "*-5"}
	days := []string{"*", "1", "29-31", "*/10", "?", "31", "0", "15,L", "30", "*/1"}
	months := []string{"*", "2", "jan,jul", "JUN-AUG", "13", "4,6,9,11", "*/5", "Feb"}
	dows := []string{"*", "0", "1-5", "MON", "sat,sun", "7", "?", "FRI-SUN", "*/2", "6"}
	var out []V
	pick := func(l []string) string {
		if r.Intn(3) == 0 {
			return l[r.Intn(len(l))]
		}
		return l[r.Intn((len(l)+1)/2)]
	}
	for i := 0; i < 400; i++ {
		s := pick(mins) + " " + pick(hours) + " " + pick(days) + " " + pick(months) + " " + pick(dows)
		if i%40 == 0 {
			s = []string{"0 0 31 2 *", "0 0 29 2 *", "@daily", "", "0 8 * *", "0 0 30 2 ?", "  0 8 * * *  ", ", * * * *", "0 8 * * * *", "0 0 31 4,6 *"}[i/40]
		}
		d := int64(1 + r.Intn(60*40))
		t := int64(0)
		t = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC).Unix() + r.Int63n(45*365*86400)
		if i%3 == 0 {
			t = t - t%60
		}
		v := V{S: s, D: d, T: t}
		sc, err := p.Parse(s)
		if err == nil {
			now := time.Unix(t, 0).UTC()
			n := sc.Next(now.Add(-time.Duration(d) * time.Minute))
			a := n.Before(now)
			v.A = &a
			// a boundary case now and then
			if i%5 == 0 && !n.IsZero() {
				v.T = n.Unix() + []int64{0, 1, d * 60, d*60 - 1, -1}[r.Intn(5)]
				now = time.Unix(v.T, 0).UTC()
				n = sc.Next(now.Add(-time.Duration(d) * time.Minute))
				b := n.Before(now)
				v.A = &b
			}
		}
		out = append(out, v)
	}
	fmt.Fprint(os.Stdout, "[\n")
	for i, v := range out {
		b, _ := json.Marshal([]any{v.S, v.D, v.T, v.A})
		c := ","
		if i == len(out)-1 {
			c = ""
		}
		fmt.Printf("%s%s\n", b, c)
	}
	fmt.Println("]")
}
