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
	"slices"
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

// contender is one of the applications that are compared.
type contender struct {
	name string
	port int
	cmd  *exec.Cmd
}

// measured is the result of one run of wrk.
type measured struct {
	perSecond, p99Millis float64
	// perCPU is the number of requests for each CPU-second of the application. It is fairer than perSecond, because wrk
	// itself uses a part of the two cores.
	perCPU float64
	errors string
}

// Patterns of the output of wrk.
var (
	wrkRate   = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	wrkCount  = regexp.MustCompile(`(\d+) requests in`)
	wrkP99    = regexp.MustCompile(`99%\s+([0-9.]+)(us|ms|s)`)
	wrkErrors = regexp.MustCompile(`(Non-2xx or 3xx responses: \d+|Socket errors: .*)`)
)

// wrk loads an application and returns the result.
func wrk(t *testing.T, c *contender, args ...string) measured {
	t.Helper()
	before := cpu(t, c.cmd.Process.Pid)
	args = append([]string{"-t2", "-c32", "--latency"}, args...)
	out, err := exec.Command("wrk", args...).CombinedOutput()
	require.NoError(t, err, string(out))
	text := string(out)
	rate, err := strconv.ParseFloat(wrkRate.FindStringSubmatch(text)[1], 64)
	require.NoError(t, err)
	p99 := wrkP99.FindStringSubmatch(text)
	value, err := strconv.ParseFloat(p99[1], 64)
	require.NoError(t, err)
	value *= map[string]float64{"us": 0.001, "ms": 1, "s": 1000}[p99[2]]
	requests, err := strconv.ParseFloat(wrkCount.FindStringSubmatch(text)[1], 64)
	require.NoError(t, err)
	return measured{
		perSecond: rate,
		p99Millis: value,
		perCPU:    requests / (cpu(t, c.cmd.Process.Pid) - before),
		errors:    strings.Join(wrkErrors.FindAllString(text, -1), "; "),
	}
}

// cpu returns the CPU time that a process and its children have used, in seconds.
func cpu(t *testing.T, pid int) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	total := 0.0
	// The fields are utime and stime, in hundredths of a second.
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseFloat(field, 64)
		require.NoError(t, err)
		total += ticks / 100
	}
	for _, child := range children(t, pid) {
		total += cpu(t, child)
	}
	return total
}

// children returns the IDs of the processes that a process started.
func children(t *testing.T, pid int) (all []int) {
	t.Helper()
	// Linux lists a child under the thread that started it, so this reads the lists of all threads.
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	require.NoError(t, err)
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(text)) {
			n, err := strconv.Atoi(child)
			require.NoError(t, err)
			all = append(all, n)
		}
	}
	return all
}

// memory returns the proportional set size of a process and its children, in MB.
func memory(t *testing.T, pid int) float64 {
	t.Helper()
	total := 0.0
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^Pss:\s+(\d+)`).FindStringSubmatch(string(text))
	kilobytes, err := strconv.ParseFloat(found[1], 64)
	require.NoError(t, err)
	total += kilobytes / 1000
	for _, child := range children(t, pid) {
		total += memory(t, child)
	}
	return total
}

// flask returns the command of the Flask version that listens on a port.
func flask(port int) (*exec.Cmd, []string) {
	return exec.Command("gunicorn",
		"--chdir", "../bench",
		// Two workers for each core and four threads in each worker: the fastest of 1 to 3 workers and 1 to 8 threads.
		"--workers", "4",
		"--threads", "4",
		"--bind", fmt.Sprintf("127.0.0.1:%d", port),
		"--log-level", "error",
		// The application writes a line for each request, so Flask does the same.
		"--access-logfile", "-",
		"app:app",
	), nil
}

// TestCompare loads the application and a Flask version of two of its endpoints on the same PostgreSQL and Redis. It
// runs each load three times, alternating between the two, and prints the median of each.
func TestCompare(t *testing.T) {
	start, token := stocked(t)
	contenders := []*contender{
		start("webapp", webapp(binary(t))),
		start("Flask + Gunicorn", flask),
	}
	compare(t, "product list", contenders, func(c *contender, _ int) []string {
		return []string{"-d10s", fmt.Sprintf("http://127.0.0.1:%d/api/products", c.port)}
	})
	compare(t, "order", contenders, func(c *contender, round int) []string {
		run := fmt.Sprintf("%s-%d-%d", strings.Fields(c.name)[0], c.port, round)
		url := fmt.Sprintf("http://127.0.0.1:%d", c.port)
		return []string{"-d10s", "-s", "../bench/orders.lua", url, "--", token, run}
	})
}

// compare runs one load on both contenders and prints the medians.
func compare(t *testing.T, name string, contenders []*contender, args func(c *contender, round int) []string) {
	t.Helper()
	all := map[string][]measured{}
	for round := range 3 {
		for _, c := range contenders {
			all[c.name] = append(all[c.name], wrk(t, c, args(c, round)...))
		}
	}
	for _, c := range contenders {
		m := median(all[c.name])
		fmt.Printf("%-14s %-18s %8.0f requests/s  %8.0f for each CPU-second  p99 %8.1f ms  memory %6.1f MB  %s\n",
			name, c.name, m.perSecond, m.perCPU, m.p99Millis, memory(t, c.cmd.Process.Pid), m.errors)
	}
	a, b := median(all[contenders[0].name]), median(all[contenders[1].name])
	fmt.Printf("%-14s %.1f times the requests (%.1f for each CPU-second), %.2f times the p99, %.2f times the memory\n",
		name, a.perSecond/b.perSecond, a.perCPU/b.perCPU, a.p99Millis/b.p99Millis,
		memory(t, contenders[0].cmd.Process.Pid)/memory(t, contenders[1].cmd.Process.Pid))
}

// starter starts an application by name. The function args returns the command for a port, and extra variables.
type starter func(name string, args func(port int) (*exec.Cmd, []string)) *contender

// stocked creates a database with a thousand products. It returns a function that starts an application on the
// database, and a session token of a user.
func stocked(t *testing.T) (start starter, token string) {
	t.Helper()
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
	token, err = auth.NewSessions([]byte(secret)).Issue(user)
	require.NoError(t, err)

	variables := append(os.Environ(),
		"DATABASE_URL="+url,
		"JWT_SECRET="+secret,
		"REDIS_TLS=false",
		"REDIS_HOST="+redisURL.Host,
		fmt.Sprint("REDIS_PORT=", redisURL.Port),
		"REDIS_PASSWORD="+redisURL.Password,
		"THREADS=4",
	)
	return func(name string, args func(port int) (*exec.Cmd, []string)) *contender {
		c := &contender{name: name, port: freePort()}
		cmd, extra := args(c.port)
		c.cmd = cmd
		cmd.Env = append(slices.Clone(variables), extra...)
		c.start(t)
		return c
	}, token
}

// start starts the application in a process group of its own and waits until it answers.
func (c *contender) start(t *testing.T) {
	t.Helper()
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, c.cmd.Start())
	t.Cleanup(func() { _ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL); _ = c.cmd.Wait() })
	require.NoError(t, eventually(20*time.Second, func() error {
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/api/products", c.port))
		if err == nil {
			response.Body.Close()
		}
		return err
	}))
}

// binary builds the application and returns the path of the program.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "webapp")
	out, err := exec.Command("go", "build", "-o", path, "..").CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// webapp returns a function for starter that runs the program.
func webapp(binary string) func(port int) (*exec.Cmd, []string) {
	return func(port int) (*exec.Cmd, []string) {
		return exec.Command(binary, "serve"), []string{
			fmt.Sprint("PORT=", port),
			fmt.Sprint("METRICS_PORT=", freePort()),
			"DATABASE_CONNECTIONS=16",
		}
	}
}

// median returns the run of three that has the middle rate.
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
