// Package server serves the API, the pages, the probes and the metrics.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"groundwork/webapp/internal/auth"
	"groundwork/webapp/internal/cache"
	"groundwork/webapp/internal/store"
)

// Server is the application.
type Server struct {
	Store    *store.Store
	Cache    *cache.Cache
	Sessions *auth.Sessions
	Log      *slog.Logger
	// SecureCookies restricts cookies to HTTPS.
	SecureCookies bool
	// MaxInFlight is how many requests may use the database at the same time. Other requests wait for a short time.
	MaxInFlight int

	draining atomic.Bool
	slots    chan struct{}
	metrics  *metrics
	registry *prometheus.Registry
}

// requestTimeout limits the time of one request.
const requestTimeout = 8 * time.Second

// queueTimeout is how long a request waits for its turn before the server refuses it.
const queueTimeout = 500 * time.Millisecond

// metrics are the application's own metrics.
type metrics struct {
	requests *prometheus.HistogramVec
	orders   prometheus.Counter
	refused  prometheus.Counter
}

// newMetrics returns metrics that no registry has yet.
func newMetrics() *metrics {
	return &metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "http_request_seconds",
			Help:    "Time to answer, by route and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"route", "status"}),
		orders: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orders_placed_total",
			Help: "Orders placed, retries not counted.",
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "requests_refused_total",
			Help: "Requests told to come back because the queue was full.",
		}),
	}
}

// Handler returns the handler of the application's port. The caller must call it once.
func (s *Server) Handler() http.Handler {
	s.slots = make(chan struct{}, s.MaxInFlight)
	s.registry = prometheus.NewRegistry()
	s.metrics = newMetrics()
	connections := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "database_connections_in_use",
		Help: "Connections of the pool that are in use.",
	}, func() float64 { return float64(s.Store.Stats().AcquiredConns()) })
	s.registry.MustRegister(s.metrics.requests, s.metrics.orders, s.metrics.refused, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), connections)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", s.health)
	mux.HandleFunc("GET /api/health", s.health)
	mux.HandleFunc("GET /ready", s.ready)
	s.routeAPI(mux)
	s.routePages(mux)
	// A page of another site cannot make a browser act for a user. Programs send no Origin and are let through.
	guard := http.NewCrossOriginProtection()
	return s.observe(s.recover(guard.Handler(mux)))
}

// MetricsHandler returns the handler of the metrics port.
func (s *Server) MetricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	return mux
}

// Drain makes the application unready. The application continues to answer requests.
func (s *Server) Drain() { s.draining.Store(true) }

// health answers the liveness probe. It depends on nothing but the process.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready answers the readiness probe: it checks the services that a request may need. The application also works without
// Redis, so the check of Redis is reported but does not change the status.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	checks := map[string]string{"draining": "no", "database": "ok", "redis": "ok"}
	status := http.StatusOK
	if s.draining.Load() {
		checks["draining"], status = "yes", http.StatusServiceUnavailable
	}
	if err := s.Store.Ready(ctx); err != nil {
		checks["database"], status = describe(err), http.StatusServiceUnavailable
	}
	if err := s.Cache.Check(ctx); err != nil {
		checks["redis"] = "unreachable; serving without"
	}
	writeJSON(w, status, map[string]any{"ready": status == http.StatusOK, "checks": checks})
}

// describe says what is wrong with the database. The response is public, so it does not reveal where the database is.
func describe(err error) string {
	switch {
	case errors.Is(err, store.ErrBusy):
		return "no connection came free in time"
	case errors.Is(err, context.DeadlineExceeded):
		return "did not answer in time"
	case errors.Is(err, store.ErrSchema):
		return err.Error()
	}
	return "unreachable"
}

// requestID is the context key of a request's ID.
type requestID struct{}

// statusWriter records the status of a response.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the original.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// observe gives each request an ID, limits its body, and records it in the log and the metrics. Queries and bodies may
// contain private data and are not logged.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		id := r.Header.Get("X-Request-Id")
		if len(id) == 0 || len(id) > 64 {
			id = newID()
		}
		w.Header().Set("X-Request-Id", id)
		ctx := context.WithValue(r.Context(), requestID{}, id)
		recorded := &statusWriter{ResponseWriter: w}
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(recorded, r.Body, maxBody)
		next.ServeHTTP(recorded, r)
		// The mux sets the pattern of the route. A request that did not reach the mux has no route.
		took, route := time.Since(started), r.Pattern
		s.metrics.requests.WithLabelValues(route, strconv.Itoa(recorded.status)).Observe(took.Seconds())
		level := slog.LevelInfo
		switch {
		case recorded.status >= 500:
			level = slog.LevelError
		case route == "GET /health" || route == "GET /ready" || route == "GET /api/health":
			level = slog.LevelDebug
		}
		s.Log.LogAttrs(ctx, level, "request",
			slog.String("id", id),
			slog.String("method", r.Method),
			slog.String("route", route),
			slog.Int("status", recorded.status),
			slog.Duration("took", took),
		)
	})
}

// recover answers a request whose handler panics with status 500.
func (s *Server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause != nil && cause != http.ErrAbortHandler {
				s.Log.Error("panic", "id", r.Context().Value(requestID{}), "cause", cause)
				writeError(w, http.StatusInternalServerError, "something went wrong")
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// limited lets only MaxInFlight requests use the database at the same time. A short queue absorbs bursts. A request
// that would wait longer gets a 503 early instead of a late failure. A request that is let through must end within
// requestTimeout.
func (s *Server) limited(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case s.slots <- struct{}{}:
		default:
			timer := time.NewTimer(queueTimeout)
			defer timer.Stop()
			select {
			case s.slots <- struct{}{}:
			case <-timer.C:
				s.metrics.refused.Inc()
				s.unavailable(w)
				return
			case <-r.Context().Done():
				s.unavailable(w)
				return
			}
		}
		defer func() { <-s.slots }()
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		// The mux has already set the route in the original request, so a copy is safe here.
		next(w, r.WithContext(ctx))
	}
}

// unavailable refuses a request because the server is busy.
func (s *Server) unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	writeError(w, http.StatusServiceUnavailable, "busy; try again in a second")
}

// Serve answers on both listeners until ctx ends. Then it becomes unready, continues to answer for the drain time, and
// waits for open requests to finish.
func (s *Server) Serve(ctx context.Context, app, metrics net.Listener, drain time.Duration) error {
	application := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       75 * time.Second,
		MaxHeaderBytes:    32 << 10,
	}
	// Handler has to run first: it makes the registry that MetricsHandler uses.
	servers := []*http.Server{application, {Handler: s.MetricsHandler(), ReadHeaderTimeout: 5 * time.Second}}
	failed := make(chan error, 2)
	for i, listener := range []net.Listener{app, metrics} {
		go func() { failed <- servers[i].Serve(listener) }()
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	s.Drain()
	s.Log.Info("draining", "seconds", drain.Seconds())
	time.Sleep(drain)
	ending, cancel := context.WithTimeout(context.Background(), requestTimeout+2*time.Second)
	defer cancel()
	var problems []error
	for _, server := range servers {
		problems = append(problems, server.Shutdown(ending))
	}
	return errors.Join(problems...)
}
