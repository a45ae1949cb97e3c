//go:build bench

package tests

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"groundwork/webapp/internal/auth"
	"groundwork/webapp/internal/store"
)

// contender is one of the two applications.
type contender struct {
	name string
	port int
	cmd  *exec.Cmd
}

// measured is what wrk says of one run.
type measured struct {
	perSecond, p99Millis float64
	errors               string
}

var (
	wrkRate   = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	wrkP99    = regexp.MustCompile(`99%\s+([0-9.]+)(us|ms|s)`)
	wrkErrors = regexp.MustCompile(`(Non-2xx or 3xx responses: \d+|Socket errors: .*)`)
)

func wrk(t *testing.T, args ...string) measured {
	t.Helper()
	out, err := exec.Command("wrk", append([]string{"-t2", "-c32", "--latency"}, args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	text := string(out)
	rate, err := strconv.ParseFloat(wrkRate.FindStringSubmatch(text)[1], 64)
	require.NoError(t, err)
	p99 := wrkP99.FindStringSubmatch(text)
	value, err := strconv.ParseFloat(p99[1], 64)
	require.NoError(t, err)
	value *= map[string]float64{"us": 0.001, "ms": 1, "s": 1000}[p99[2]]
	return measured{rate, value, strings.Join(wrkErrors.FindAllString(text, -1), "; ")}
}

// memory is the proportional memory of a process and its children, in MB.
func memory(t *testing.T, pid int) float64 {
	t.Helper()
	total := 0.0
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	require.NoError(t, err)
	kilobytes, err := strconv.ParseFloat(regexp.MustCompile(`(?m)^Pss:\s+(\d+)`).FindStringSubmatch(string(text))[1], 64)
	require.NoError(t, err)
	total += kilobytes / 1000
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, child := range strings.Fields(string(children)) {
		n, err := strconv.Atoi(child)
		require.NoError(t, err)
		total += memory(t, n)
	}
	return total
}

// TestCompare runs the application and a Flask version of two of its endpoints on the same PostgreSQL and Redis, in turn,
// three times, and prints the median of each.
func TestCompare(t *testing.T) {
	ctx := context.Background()
	url := database(t)
	_, err := store.Migrate(ctx, url)
	require.NoError(t, err)
	db, err := store.Open(func() (string, error) { return url, nil }, 2)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	_, err = db.Seed(ctx, 1000)
	require.NoError(t, err)
	control, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer control.Close(ctx)
	_, err = control.Exec(ctx, "UPDATE products SET stock = 1000000000")
	require.NoError(t, err)
	secret := strings.Repeat("s", 40)
	user, err := db.AddUser(ctx, "bench@example.com", "x")
	require.NoError(t, err)
	token, err := auth.NewSessions([]byte(secret)).Issue(user)
	require.NoError(t, err)

	binary := filepath.Join(t.TempDir(), "webapp")
	out, err := exec.Command("go", "build", "-o", binary, "..").CombinedOutput()
	require.NoError(t, err, string(out))
	variables := append(os.Environ(), "DATABASE_URL="+url, "JWT_SECRET="+secret, "REDIS_TLS=false", "REDIS_HOST="+redisURL.Host, fmt.Sprint("REDIS_PORT=", redisURL.Port), "REDIS_PASSWORD="+redisURL.Password, "THREADS=4")
	start := func(name string, args func(port int) (*exec.Cmd, []string)) *contender {
		c := &contender{name: name, port: freePort()}
		cmd, extra := args(c.port)
		c.cmd = cmd
		cmd.Env = append(variables, extra...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
		require.NoError(t, eventually(20*time.Second, func() error {
			response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/api/products", c.port))
			if err == nil {
				response.Body.Close()
			}
			return err
		}))
		return c
	}
	contenders := []*contender{
		start("webapp", func(port int) (*exec.Cmd, []string) {
			return exec.Command(binary, "serve"), []string{fmt.Sprint("PORT=", port), fmt.Sprint("METRICS_PORT=", freePort()), "DATABASE_CONNECTIONS=16"}
		}),
		// Two workers for each core and four threads in each: the best of 1 to 3 workers and 1 to 8 threads here.
		start("Flask + Gunicorn", func(port int) (*exec.Cmd, []string) {
			return exec.Command("gunicorn", "--chdir", "../bench", "--workers", "4", "--threads", "4", "--bind", fmt.Sprintf("127.0.0.1:%d", port), "--log-level", "error", "app:app"), nil
		}),
	}
	length := "-d10s"
	for _, load := range []struct {
		name string
		args func(c *contender, round int) []string
	}{
		{"product list", func(c *contender, _ int) []string {
			return []string{length, fmt.Sprintf("http://127.0.0.1:%d/api/products", c.port)}
		}},
		{"order", func(c *contender, round int) []string {
			return []string{length, "-s", "../bench/orders.lua", fmt.Sprintf("http://127.0.0.1:%d", c.port), "--", token, fmt.Sprintf("%s-%d-%d", strings.Fields(c.name)[0], c.port, round)}
		}},
	} {
		all := map[string][]measured{}
		for round := range 3 {
			for _, c := range contenders {
				all[c.name] = append(all[c.name], wrk(t, load.args(c, round)...))
			}
		}
		for _, c := range contenders {
			m := median(all[c.name])
			fmt.Printf("%-14s %-18s %8.0f requests/s  p99 %8.1f ms  memory %6.1f MB  %s\n", load.name, c.name, m.perSecond, m.p99Millis, memory(t, c.cmd.Process.Pid), m.errors)
		}
		a, b := median(all[contenders[0].name]), median(all[contenders[1].name])
		fmt.Printf("%-14s %.1f times the requests, %.2f times the p99, %.2f times the memory\n", load.name, a.perSecond/b.perSecond, a.p99Millis/b.p99Millis,
			memory(t, contenders[0].cmd.Process.Pid)/memory(t, contenders[1].cmd.Process.Pid))
	}
}

// median returns the run with the middle rate of three.
func median(runs []measured) measured {
	a, b, c := runs[0], runs[1], runs[2]
	switch {
	case (a.perSecond <= b.perSecond) == (b.perSecond <= c.perSecond):
		return b
	case (b.perSecond <= a.perSecond) == (a.perSecond <= c.perSecond):
		return a
	}
	return c
}
