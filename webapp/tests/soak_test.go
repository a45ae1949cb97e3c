//go:build bench

package tests

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// soak loads an application with a mix of requests: one order, two details and seven lists of ten requests.
type soak struct {
	url, token   string
	client       *http.Client
	sent, failed atomic.Int64
}

// next returns the next request of the mix and the status that the application must answer with.
func (s *soak) next() (*http.Request, int, error) {
	n := s.sent.Add(1)
	method, path, body, want := "GET", "/api/products", "", http.StatusOK
	switch n % 10 {
	case 0:
		method, path, want = "POST", "/api/orders", http.StatusCreated
		body = fmt.Sprintf(`{"lines":[{"productId":%d,"quantity":1}]}`, 1+n%1000)
	case 1, 2:
		path = fmt.Sprint("/api/products/", 1+n%1000)
	}
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	if method == "POST" {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+s.token)
		r.Header.Set("Idempotency-Key", fmt.Sprint("soak-order-", n))
	}
	return r, want, nil
}

// request sends one request and counts it as failed if the response is not the expected one.
func (s *soak) request() {
	r, want, err := s.next()
	if err != nil {
		s.fail(err)
		return
	}
	response, err := s.client.Do(r)
	if err != nil {
		s.fail(err)
		return
	}
	answer, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || response.StatusCode != want {
		s.fail(r.Method, r.URL.Path, response.Status, string(answer), err)
	}
}

// fail counts and prints a failure.
func (s *soak) fail(reason ...any) {
	s.failed.Add(1)
	fmt.Println(append([]any{"failed:"}, reason...)...)
}

// load sends requests from 32 clients for a time and returns the rate. Each client sends one request per interval.
func (s *soak) load(length, interval time.Duration) float64 {
	before, started := s.sent.Load(), time.Now()
	var clients sync.WaitGroup
	for range 32 {
		clients.Go(func() {
			next := time.Now()
			for time.Since(started) < length {
				s.request()
				next = next.Add(interval)
				time.Sleep(time.Until(next))
			}
		})
	}
	clients.Wait()
	return float64(s.sent.Load()-before) / time.Since(started).Seconds()
}

// TestSoak measures the peak rate of a mix of requests and sends 80 % of it for five minutes. It fails on any
// unexpected response and on memory that grows.
func TestSoak(t *testing.T) {
	start, token := stocked(t)
	c := start("webapp", webapp(binary(t)))
	s := &soak{
		url:   fmt.Sprintf("http://127.0.0.1:%d", c.port),
		token: token,
		client: &http.Client{
			Timeout:   10 * time.Second,
			Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		},
	}
	s.load(5*time.Second, 0)
	peak := s.load(15*time.Second, 0)
	interval := time.Duration(32 / (0.8 * peak) * float64(time.Second))
	fmt.Printf("peak %.0f requests/s; holding 80 %% of it\n", peak)
	require.Zero(t, s.failed.Load(), "failed requests at the peak")
	var all []float64
	for minute := range 5 {
		rate := s.load(time.Minute, interval)
		all = append(all, memory(t, c.cmd.Process.Pid))
		fmt.Printf("minute %d: %.0f requests/s, %d failed, memory %.1f MB\n",
			minute+1, rate, s.failed.Load(), all[minute])
		require.InDelta(t, 0.8*peak, rate, 0.05*peak, "the load is what it should be")
	}
	require.Zero(t, s.failed.Load())
	require.Less(t, all[4], 1.15*all[0], "memory grows")
}
