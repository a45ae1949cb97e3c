// Package auth hashes passwords with argon2id and issues sessions as signed tokens.
package auth

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/golang-jwt/jwt/v5"
)

// parameters of argon2id. Two passes over 19 MiB with one thread are the minimum that OWASP recommends.
// Source: OWASP Password Storage Cheat Sheet, "Argon2id".
var parameters = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// Limits of a password, in bytes. The upper limit keeps hashing cheap.
const (
	MinPassword = 10
	MaxPassword = 200
)

// hashing limits how many hashes are computed at the same time. Each of them needs 19 MiB.
var hashing = make(chan struct{}, 4)

// Hash returns a password's hash in the PHC string format. It waits while too many others are being computed.
func Hash(password string) string {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	// Only reading random numbers could fail, and that never does.
	hash, _ := argon2id.CreateHash(password, parameters)
	return hash
}

// placeholder is the hash that Matches compares with if there is no account. The answer then takes as long as for a
// wrong password and does not reveal which accounts exist.
var placeholder = Hash("nobody has this password")

// Matches reports whether hash is the hash of password. No password matches an empty hash.
func Matches(hash, password string) bool {
	known := hash != ""
	if !known {
		hash = placeholder
	}
	// The library panics at a hash of no passes or no threads.
	if made, _, _, err := argon2id.DecodeHash(hash); err != nil || made.Iterations == 0 || made.Parallelism == 0 {
		return false
	}
	hashing <- struct{}{}
	defer func() { <-hashing }()
	match, err := argon2id.ComparePasswordAndHash(password, hash)
	return err == nil && match && known
}

// SessionLength is how long a session lasts.
const SessionLength = 12 * time.Hour

const issuer = "webapp"

// ErrSession is returned for a token that is not a valid session.
var ErrSession = errors.New("not a valid session")

// Sessions signs and verifies session tokens.
type Sessions struct {
	key []byte
	now func() time.Time
}

// NewSessions returns Sessions that sign with key, by HMAC-SHA256.
func NewSessions(key []byte) *Sessions { return &Sessions{key: key, now: time.Now} }

// Issue returns a token for a user.
func (s *Sessions) Issue(userID int64) (string, error) {
	now := s.now()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer:    issuer,
		Subject:   strconv.FormatInt(userID, 10),
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(SessionLength)),
	})
	signed, err := token.SignedString(s.key)
	if err != nil {
		return "", fmt.Errorf("signing a session: %w", err)
	}
	return signed, nil
}

// User returns the ID of the user that a token was issued to, or ErrSession.
func (s *Sessions) User(token string) (int64, error) {
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return s.key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer),
		jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(s.now),
	)
	if err != nil {
		return 0, ErrSession
	}
	id, err := strconv.ParseInt(claims.Subject, 10, 64)
	if err != nil || id <= 0 {
		return 0, ErrSession
	}
	return id, nil
}
