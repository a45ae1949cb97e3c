package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"strconv"
	"strings"

	"groundwork/webapp/internal/auth"
	"groundwork/webapp/internal/store"
)

// maxBody is the largest request body, in bytes.
const maxBody = 64 << 10

// badRequest is an error whose message is shown to the client.
type badRequest struct{ message string }

func (b badRequest) Error() string { return b.message }

// bad returns a badRequest.
func bad(format string, a ...any) error { return badRequest{fmt.Sprintf(format, a...)} }

// decodeJSON decodes exactly one JSON object. Unknown fields are errors.
func decodeJSON(body io.Reader, target any) error {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(target); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return err
		}
		return bad("the body is not the JSON that is expected: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return bad("the body has more than one JSON value")
	}
	return nil
}

// credentials are the body of a request to sign up or to sign in.
type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// clean validates credentials and normalizes the address to the form that the store keeps.
func (c *credentials) clean() error {
	c.Email = strings.ToLower(strings.TrimSpace(c.Email))
	address, err := mail.ParseAddress(c.Email)
	if err != nil || address.Address != c.Email || len(c.Email) > 254 {
		return bad("email is not an e-mail address")
	}
	if len(c.Password) < auth.MinPassword || len(c.Password) > auth.MaxPassword {
		return bad("password has to have %d to %d characters", auth.MinPassword, auth.MaxPassword)
	}
	return nil
}

// orderRequest is the body of a request to place an order.
type orderRequest struct {
	Lines []store.Line `json:"lines"`
}

// Limits of an order.
const (
	maxLines    = 50
	maxQuantity = 99
)

// check validates the lines of an order.
func (o orderRequest) check() error {
	if len(o.Lines) == 0 || len(o.Lines) > maxLines {
		return bad("lines has to have 1 to %d entries", maxLines)
	}
	seen := map[int64]bool{}
	for _, line := range o.Lines {
		switch {
		case line.ProductID <= 0:
			return bad("productId %d is no product", line.ProductID)
		case line.Quantity < 1 || line.Quantity > maxQuantity:
			return bad("quantity %d is outside 1 to %d", line.Quantity, maxQuantity)
		case seen[line.ProductID]:
			return bad("productId %d is there twice", line.ProductID)
		}
		seen[line.ProductID] = true
	}
	return nil
}

// checkKey validates an idempotency key.
func checkKey(key string) error {
	if len(key) < 8 || len(key) > 100 {
		return bad("the header Idempotency-Key has to have 8 to 100 characters")
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return bad("the header Idempotency-Key has to be printable ASCII without spaces")
		}
	}
	return nil
}

// page says which products a list shows.
type page struct {
	search string
	after  int64
	limit  int
}

// key returns the cache key of the page.
func (p page) key() string {
	return "products:" + strconv.FormatInt(p.after, 10) + ":" + strconv.Itoa(p.limit) + ":" + p.search
}

// Limits of a product list.
const (
	defaultLimit = 24
	maxLimit     = 100
	maxSearch    = 100
)

// readPage parses the query of a product list.
func readPage(query map[string][]string) (page, error) {
	get := func(name string) string {
		if values := query[name]; len(values) > 0 {
			return values[0]
		}
		return ""
	}
	p := page{search: strings.TrimSpace(get("search")), limit: defaultLimit}
	if len(p.search) > maxSearch || strings.ContainsRune(p.search, 0) {
		return p, bad("search has more than %d characters", maxSearch)
	}
	if text := get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxLimit {
			return p, bad("limit is not a number from 1 to %d", maxLimit)
		}
		p.limit = n
	}
	if text := get("cursor"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return p, bad("cursor is not one that this list gave out")
		}
		p.after = n
	}
	return p, nil
}

// pathID returns the ID in a request's path, or store.ErrNotFound if it is not a valid ID.
func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, store.ErrNotFound
	}
	return id, nil
}
