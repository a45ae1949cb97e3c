// Package config reads the application's configuration from the environment, and reports everything wrong with it at once.
package config

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Config is the whole configuration of the application.
type Config struct {
	// Port serves the application, MetricsPort Prometheus metrics; defaults 8080 and 9090.
	Port, MetricsPort int
	// Database returns the connection URL. It is read again for every new connection, so that a rotated password is
	// used without a restart.
	Database func() (string, error)
	// DatabaseConnections is the size of the pool, 1 to 200; default 10.
	DatabaseConnections int
	// Redis is where the cache is; the application works without it.
	Redis Redis
	// SigningKey signs sessions, 32 bytes or more.
	SigningKey []byte
	// SecureCookies are sent over HTTPS only; default true.
	SecureCookies bool
	// DrainTime is how long the application goes on answering after it has turned unready, so that the load balancer takes
	// notice first; default 10 s.
	DrainTime time.Duration
}

// Redis says how to reach Redis. An empty Host means that there is none.
type Redis struct {
	Host string
	Port int
	// Password is the AUTH token; empty for none.
	Password string
	// TLS is on unless REDIS_TLS is false.
	TLS bool
}

// minKeyBytes is what HMAC-SHA256 needs to be as strong as its digest. Source: RFC 7518, section 3.2.
const minKeyBytes = 32

// reader collects what is wrong with variables while it reads them.
type reader struct {
	getenv   func(string) string
	problems []error
}

func (r *reader) fail(name, format string, a ...any) {
	r.problems = append(r.problems, fmt.Errorf("%s %s", name, fmt.Sprintf(format, a...)))
}

// Load reads the configuration. The error lists every problem, one a line; values of secrets are never in it.
func Load(getenv func(string) string) (*Config, error) {
	r := &reader{getenv: getenv}
	c := &Config{
		Port:                r.number("PORT", 8080, 1, 65535),
		MetricsPort:         r.number("METRICS_PORT", 9090, 1, 65535),
		DatabaseConnections: r.number("DATABASE_CONNECTIONS", 10, 1, 200),
		SecureCookies:       r.flag("SECURE_COOKIES", true),
		DrainTime:           time.Duration(r.number("DRAIN_SECONDS", 10, 0, 300)) * time.Second,
		Database:            r.database(),
		Redis: Redis{
			Host: getenv("REDIS_HOST"), Port: r.number("REDIS_PORT", 6379, 1, 65535),
			Password: r.text("REDIS_PASSWORD"), TLS: r.flag("REDIS_TLS", true),
		},
	}
	if c.Port == c.MetricsPort {
		r.fail("METRICS_PORT", "is the same as PORT, %d", c.Port)
	}
	key := r.text("JWT_SECRET")
	switch {
	case key == "":
		r.fail("JWT_SECRET", "is missing; give %d characters or more (or JWT_SECRET_FILE)", minKeyBytes)
	case len(key) < minKeyBytes:
		r.fail("JWT_SECRET", "has %d characters; give %d or more", len(key), minKeyBytes)
	}
	c.SigningKey = []byte(key)
	if len(r.problems) > 0 {
		return nil, fmt.Errorf("configuration has %d problem(s):\n%w", len(r.problems), errors.Join(r.problems...))
	}
	return c, nil
}

// LoadDatabase reads only what a migration needs.
func LoadDatabase(getenv func(string) string) (func() (string, error), error) {
	r := &reader{getenv: getenv}
	database := r.database()
	return database, errors.Join(r.problems...)
}

// database returns how to get at DATABASE_URL, or at the content of DATABASE_URL_FILE as it is at the time.
func (r *reader) database() func() (string, error) {
	read := func() (string, error) {
		if path := r.getenv("DATABASE_URL_FILE"); path != "" {
			text, err := os.ReadFile(path)
			if err != nil {
				return "", fmt.Errorf("DATABASE_URL_FILE: %w", err)
			}
			return strings.TrimSpace(string(text)), nil
		}
		return r.getenv("DATABASE_URL"), nil
	}
	text, err := read()
	switch {
	case err != nil:
		r.problems = append(r.problems, err)
	case text == "":
		r.fail("DATABASE_URL", "is missing; give postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full (or DATABASE_URL_FILE)")
	default:
		// The error of url.Parse quotes what it could not read, password included.
		if u, err := url.Parse(text); err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Host == "" {
			r.fail("DATABASE_URL", "is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE")
		}
	}
	return read
}

// text returns a variable, or the content of the file that NAME_FILE names.
func (r *reader) text(name string) string {
	path := r.getenv(name + "_FILE")
	if path == "" {
		return r.getenv(name)
	}
	if r.getenv(name) != "" {
		r.fail(name, "and %s_FILE are both set; choose one", name)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		r.fail(name+"_FILE", "cannot be read: %v", err)
	}
	return strings.TrimSpace(string(text))
}

func (r *reader) number(name string, fallback, min, max int) int {
	text := r.getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < min || n > max {
		r.fail(name, "%q is not a whole number from %d to %d", text, min, max)
	}
	return n
}

func (r *reader) flag(name string, fallback bool) bool {
	switch text := r.getenv(name); text {
	case "":
		return fallback
	case "true", "false":
		return text == "true"
	default:
		r.fail(name, "%q is not true or false", text)
		return fallback
	}
}
