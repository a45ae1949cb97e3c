package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"groundwork/webapp/internal/auth"
	"groundwork/webapp/internal/store"
)

// Limits of attempts to sign in.
const (
	signInLimit  = 10
	signInWindow = 5 * time.Minute
)

// sessionCookie is the name of the cookie that holds a session token.
const sessionCookie = "session"

// register creates an account and returns a session token for it.
func (s *Server) register(ctx context.Context, c credentials) (string, error) {
	if err := c.clean(); err != nil {
		return "", err
	}
	id, err := s.Store.AddUser(ctx, c.Email, auth.Hash(c.Password))
	if err != nil {
		return "", err
	}
	return s.Sessions.Issue(id)
}

// errRefused and errOften are the reasons for which signing in is refused.
var (
	errRefused = errors.New("address or password is wrong")
	errOften   = errors.New("too many attempts; try again in a few minutes")
)

// authenticate returns a session token for credentials. It limits attempts by account and by client address. An unknown
// account takes as long as a wrong password.
func (s *Server) authenticate(ctx context.Context, c credentials, from string) (string, error) {
	if err := c.clean(); err != nil {
		return "", err
	}
	for _, key := range []string{"signin:" + c.Email, "signin:" + from} {
		if !s.Cache.Allow(ctx, key, signInLimit, signInWindow) {
			return "", errOften
		}
	}
	user, err := s.Store.UserByEmail(ctx, c.Email)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	if !auth.Matches(user.PasswordHash, c.Password) {
		return "", errRefused
	}
	return s.Sessions.Issue(user.ID)
}

// clientAddress returns the address of the viewer. CloudFront and the load balancer each append one address to
// X-Forwarded-For, so the viewer's address is the second from the end. The viewer controls all addresses before it.
func clientAddress(r *http.Request) string {
	if all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ","); len(all) >= 2 {
		return strings.TrimSpace(all[len(all)-2])
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// signUp creates an account.
func (s *Server) signUp(w http.ResponseWriter, r *http.Request) {
	var c credentials
	if err := decodeJSON(r.Body, &c); err != nil {
		s.fail(w, r, err)
		return
	}
	token, err := s.register(r.Context(), c)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, map[string]string{"token": token})
}

// signIn creates a session.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	var c credentials
	if err := decodeJSON(r.Body, &c); err != nil {
		s.fail(w, r, err)
		return
	}
	token, err := s.authenticate(r.Context(), c, clientAddress(r))
	switch {
	case errors.Is(err, errRefused):
		writeError(w, http.StatusUnauthorized, err.Error())
	case errors.Is(err, errOften):
		w.Header().Set("Retry-After", "300")
		writeError(w, http.StatusTooManyRequests, err.Error())
	case err != nil:
		s.fail(w, r, err)
	default:
		writeJSON(w, http.StatusOK, map[string]string{"token": token})
	}
}

// userOf returns the ID of the user that a request's header or cookie authenticates, or 0.
func (s *Server) userOf(r *http.Request) int64 {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found {
		cookie, err := r.Cookie(sessionCookie)
		if err != nil {
			return 0
		}
		token = cookie.Value
	}
	id, err := s.Sessions.User(token)
	if err != nil {
		return 0
	}
	return id
}

// signedIn lets only requests with a session through.
func (s *Server) signedIn(next func(w http.ResponseWriter, r *http.Request, userID int64)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := s.userOf(r)
		if id == 0 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeError(w, http.StatusUnauthorized, "sign in first")
			return
		}
		next(w, r, id)
	}
}
