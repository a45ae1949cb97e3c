//go:build bench

package tests

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	// perCPU is the requests for each CPU-second of the application: wrk itself takes part of the two cores.
	perCPU float64
	errors string
}

var (
	wrkRate   = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	wrkCount  = regexp.MustCompile(`(\d+) requests in`)
	wrkP99    = regexp.MustCompile(`99%\s+([0-9.]+)(us|ms|s)`)
	wrkErrors = regexp.MustCompile(`(Non-2xx or 3xx responses: \d+|Socket errors: .*)`)
)

func wrk(t *testing.T, c *contender, args ...string) measured {
	t.Helper()
	before := cpu(t, c.cmd.Process.Pid)
	out, err := exec.Command("wrk", append([]string{"-t2", "-c32", "--latency"}, args...)...).CombinedOutput()
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
	return measured{rate, value, requests / (cpu(t, c.cmd.Process.Pid) - before), strings.Join(wrkErrors.FindAllString(text, -1), "; ")}
}

// cpu is what a process and its children have used, in seconds.
func cpu(t *testing.T, pid int) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	total := 0.0
	for _, field := range fields[11:13] { // utime and stime, in hundredths of a second
		ticks, err := strconv.ParseFloat(field, 64)
		require.NoError(t, err)
		total += ticks / 100
	}
	for _, child := range children(t, pid) {
		total += cpu(t, child)
	}
	return total
}

func children(t *testing.T, pid int) (all []int) {
	t.Helper()
	// Of all threads: a process that Go started hangs below the thread that started it.
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

// memory is the proportional memory of a process and its children, in MB.
func memory(t *testing.T, pid int) float64 {
	t.Helper()
	total := 0.0
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	require.NoError(t, err)
	kilobytes, err := strconv.ParseFloat(regexp.MustCompile(`(?m)^Pss:\s+(\d+)`).FindStringSubmatch(string(text))[1], 64)
	require.NoError(t, err)
	total += kilobytes / 1000
	for _, child := range children(t, pid) {
		total += memory(t, child)
	}
	return total
}

// TestCompare runs the application and a Flask version of two of its endpoints on the same PostgreSQL and Redis, in turn,
// three times, and prints the median of each.
func TestCompare(t *testing.T) {
	start, token := stocked(t)
	contenders := []*contender{
		start("webapp", webapp(binary(t))),
		// Both write a line for each request. Two workers for each core and four threads in each: the best of 1 to 3 workers and 1 to 8 threads here.
		start("Flask + Gunicorn", func(port int) (*exec.Cmd, []string) {
			return exec.Command("gunicorn", "--chdir", "../bench", "--workers", "4", "--threads", "4", "--bind", fmt.Sprintf("127.0.0.1:%d", port), "--log-level", "error", "--access-logfile", "-", "app:app"), nil
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
				all[c.name] = append(all[c.name], wrk(t, c, load.args(c, round)...))
			}
		}
		for _, c := range contenders {
			m := median(all[c.name])
			fmt.Printf("%-14s %-18s %8.0f requests/s  %8.0f for each CPU-second  p99 %8.1f ms  memory %6.1f MB  %s\n", load.name, c.name, m.perSecond, m.perCPU, m.p99Millis, memory(t, c.cmd.Process.Pid), m.errors)
		}
		a, b := median(all[contenders[0].name]), median(all[contenders[1].name])
		fmt.Printf("%-14s %.1f times the requests (%.1f for each CPU-second), %.2f times the p99, %.2f times the memory\n", load.name, a.perSecond/b.perSecond, a.perCPU/b.perCPU, a.p99Millis/b.p99Millis,
			memory(t, contenders[0].cmd.Process.Pid)/memory(t, contenders[1].cmd.Process.Pid))
	}
}

// stocked is a database with a thousand products, the means to start an application on it, and a token of somebody who orders.
func stocked(t *testing.T) (start func(name string, args func(port int) (*exec.Cmd, []string)) *contender, token string) {
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

	variables := append(os.Environ(), "DATABASE_URL="+url, "JWT_SECRET="+secret, "REDIS_TLS=false", "REDIS_HOST="+redisURL.Host, fmt.Sprint("REDIS_PORT=", redisURL.Port), "REDIS_PASSWORD="+redisURL.Password, "THREADS=4")
	start = func(name string, args func(port int) (*exec.Cmd, []string)) *contender {
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
	return start, token
}

// binary builds the application.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "webapp")
	out, err := exec.Command("go", "build", "-o", path, "..").CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// webapp is how the application itself is started.
func webapp(binary string) func(port int) (*exec.Cmd, []string) {
	return func(port int) (*exec.Cmd, []string) {
		return exec.Command(binary, "serve"), []string{fmt.Sprint("PORT=", port), fmt.Sprint("METRICS_PORT=", freePort()), "DATABASE_CONNECTIONS=16"}
	}
}

// TestSoak finds the peak of a mix of requests (of ten one order, two details, seven lists), holds 80 % of it for five minutes, and fails on any
// answer but the expected one and on memory that grows.
func TestSoak(t *testing.T) {
	start, token := stocked(t)
	c := start("webapp", webapp(binary(t)))
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	var sent, failed atomic.Int64
	request := func() {
		n := sent.Add(1)
		method, path, body, want := "GET", "/api/products", "", http.StatusOK
		switch n % 10 {
		case 0:
			method, path, want = "POST", "/api/orders", http.StatusCreated
			body = fmt.Sprintf(`{"lines":[{"productId":%d,"quantity":1}]}`, 1+n%1000)
		case 1, 2:
			path = fmt.Sprint("/api/products/", 1+n%1000)
		}
		r, err := http.NewRequest(method, fmt.Sprintf("http://127.0.0.1:%d%s", c.port, path), strings.NewReader(body))
		if err == nil && method == "POST" {
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Idempotency-Key", fmt.Sprint("soak-order-", n))
		}
		response, err := client.Do(r)
		if err != nil {
			failed.Add(1)
			fmt.Println("failed:", err)
			return
		}
		answer, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != want {
			failed.Add(1)
			fmt.Println("failed:", method, path, response.Status, string(answer), err)
		}
	}
	// load sends from 32 connections, each as often as pause says, for a time, and returns the rate.
	load := func(length, pause time.Duration) float64 {
		before, started := sent.Load(), time.Now()
		var clients sync.WaitGroup
		for range 32 {
			clients.Go(func() {
				next := time.Now()
				for time.Since(started) < length {
					request()
					next = next.Add(pause)
					time.Sleep(time.Until(next))
				}
			})
		}
		clients.Wait()
		return float64(sent.Load()-before) / time.Since(started).Seconds()
	}
	load(5*time.Second, 0)
	peak := load(15*time.Second, 0)
	pause := time.Duration(32 / (0.8 * peak) * float64(time.Second))
	fmt.Printf("peak %.0f requests/s; holding 80 %% of it\n", peak)
	require.Zero(t, failed.Load(), "failed requests at the peak")
	var all []float64
	for minute := range 5 {
		rate := load(time.Minute, pause)
		all = append(all, memory(t, c.cmd.Process.Pid))
		fmt.Printf("minute %d: %.0f requests/s, %d failed, memory %.1f MB\n", minute+1, rate, failed.Load(), all[minute])
		require.InDelta(t, 0.8*peak, rate, 0.05*peak, "the load is what it should be")
	}
	require.Zero(t, failed.Load())
	require.Less(t, all[4], 1.15*all[0], "memory grows")
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
