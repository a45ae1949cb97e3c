// Package auth keeps passwords as argon2id hashes and sessions as signed tokens.
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

// Parameters of argon2id: one pass over 19 MiB would need two more passes to be as strong; two passes with one thread
// is the OWASP minimum. Source: OWASP Password Storage Cheat Sheet, "Argon2id".
const (
	memoryKiB = 19 * 1024
	passes    = 2
	threads   = 1
	saltBytes = 16
	keyBytes  = 32
)

// Limits of a password, in bytes. The upper one keeps hashing cheap.
const (
	MinPassword = 10
	MaxPassword = 200
)

// hashing bounds how many hashes are computed at the same time: each takes 19 MiB.
var hashing = make(chan struct{}, 4)

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
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, threads, encode(salt), encode(key))
}

// nobody is compared with where there is no account, so that an answer takes as long as for a wrong password.
var nobody = Hash("nobody has this password")

// Matches reports whether password belongs to hash; an empty hash belongs to nobody.
func Matches(hash, password string) bool {
	known := hash != ""
	if !known {
		hash = nobody
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

// ErrSession is returned for a token that is no valid session.
var ErrSession = errors.New("not a valid session")

// Sessions signs and reads session tokens.
type Sessions struct {
	key []byte
	now func() time.Time
}

// NewSessions signs with key, by HMAC-SHA256.
func NewSessions(key []byte) *Sessions { return &Sessions{key: key, now: time.Now} }

// Issue returns a token for a user.
func (s *Sessions) Issue(userID int64) (string, error) {
	now := s.now()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer: issuer, Subject: strconv.FormatInt(userID, 10), IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(SessionLength)),
	})
	signed, err := token.SignedString(s.key)
	if err != nil {
		return "", fmt.Errorf("signing a session: %w", err)
	}
	return signed, nil
}

// User returns whose session a token is, or ErrSession.
func (s *Sessions) User(token string) (int64, error) {
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return s.key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(issuer), jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.now))
	if err != nil {
		return 0, ErrSession
	}
	id, err := strconv.ParseInt(claims.Subject, 10, 64)
	if err != nil || id <= 0 {
		return 0, ErrSession
	}
	return id, nil
}
