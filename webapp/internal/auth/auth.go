// Package auth hashes passwords with argon2id and issues sessions as signed tokens.
package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/argon2"
)

// Parameters of argon2id. Two passes over 19 MiB with one thread are the minimum that OWASP recommends.
// Source: OWASP Password Storage Cheat Sheet, "Argon2id".
const (
	memoryKiB = 19 * 1024
	passes    = 2
	threads   = 1
	saltBytes = 16
	keyBytes  = 32
)

// Limits of a password, in bytes. The upper limit keeps hashing cheap.
const (
	MinPassword = 10
	MaxPassword = 200
)

// hashing limits how many hashes are computed at the same time. Each of them needs 19 MiB.
var hashing = make(chan struct{}, 4)

// derive computes an argon2id key. It waits while too many others are being computed.
func derive(password string, salt []byte, memory, time uint32, lanes uint8, length uint32) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, time, memory, lanes, length)
}

// Hash returns a password's hash in the PHC string format.
func Hash(password string) string {
	salt := make([]byte, saltBytes)
	// rand.Read never fails.
	_, _ = rand.Read(salt)
	key := derive(password, salt, memoryKiB, passes, threads, keyBytes)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, memoryKiB, passes, threads, encode(salt), encode(key))
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
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	var memory, time uint32
	var lanes uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &lanes); err != nil || time == 0 || lanes == 0 {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) == 0 {
		return false
	}
	got := derive(password, salt, memory, time, lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known
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
