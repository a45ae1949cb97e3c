// Package config reads the application's configuration from the environment and reports all errors in it at once.
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

// Config is the configuration of the application.
type Config struct {
	// Port serves the application and MetricsPort serves Prometheus metrics. The defaults are 8080 and 9090.
	Port, MetricsPort int
	// Database returns the connection URL. The store calls it for every new connection, so a rotated password needs no
	// restart.
	Database func() (string, error)
	// DatabaseConnections is the size of the connection pool, from 1 to 200. The default is 10.
	DatabaseConnections int
	// Redis is the location of the cache. The application works without it.
	Redis Redis
	// SigningKey signs sessions. It has at least 32 bytes.
	SigningKey []byte
	// SecureCookies restricts cookies to HTTPS. The default is true.
	SecureCookies bool
	// DrainTime is how long the application continues to answer after it has become unready. The load balancer needs
	// this time to notice. The default is 10 s.
	DrainTime time.Duration
}

// Redis says how to reach Redis. If Host is empty, there is no Redis.
type Redis struct {
	Host string
	Port int
	// Password is the AUTH token. It may be empty.
	Password string
	// TLS is true unless REDIS_TLS is false.
	TLS bool
}

// minKeyBytes is the size of an HMAC-SHA256 digest. A shorter key would make signatures weaker than the digest.
// Source: RFC 7518, section 3.2.
const minKeyBytes = 32

// reader reads variables and collects the errors in them.
type reader struct {
	getenv   func(string) string
	problems []error
}

// fail records an error in a variable.
func (r *reader) fail(name, format string, a ...any) {
	r.problems = append(r.problems, fmt.Errorf("%s %s", name, fmt.Sprintf(format, a...)))
}

// Load reads the configuration. The error lists every problem on a line of its own and never contains a secret.
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
			Host:     getenv("REDIS_HOST"),
			Port:     r.number("REDIS_PORT", 6379, 1, 65535),
			Password: r.text("REDIS_PASSWORD"),
			TLS:      r.flag("REDIS_TLS", true),
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

// LoadDatabase reads only the settings that a migration needs.
func LoadDatabase(getenv func(string) string) (func() (string, error), error) {
	r := &reader{getenv: getenv}
	database := r.database()
	return database, errors.Join(r.problems...)
}

// database returns a function that reads the file DATABASE_URL_FILE each time, or DATABASE_URL if no file is named.
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
		r.fail("DATABASE_URL", "is missing; give "+
			"postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full (or DATABASE_URL_FILE)")
	default:
		// The error of url.Parse is not reported: it quotes the URL, which contains the password.
		if u, err := url.Parse(text); err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Host == "" {
			r.fail("DATABASE_URL", "is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE")
		}
	}
	return read
}

// text returns the content of the file that NAME_FILE names, or the variable itself if no file is named.
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

// number returns a variable as a whole number, or fallback if it is not set.
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

// flag returns a variable as a boolean, or fallback if it is not set.
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
