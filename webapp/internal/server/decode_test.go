package server

import (
	"net/url"
	"strings"
	"testing"

	"groundwork/webapp/internal/auth"
)

// FuzzDecoders passes untrusted text to every decoder and checks that no decoder accepts an invalid value.
func FuzzDecoders(f *testing.F) {
	for _, seed := range []string{
		`{"lines":[{"productId":1,"quantity":1}]}`,
		`{"email":"a@b.c","password":"0123456789"}`,
		`[`,
		`{"lines":null}`,
		"order-0001",
	} {
		f.Add(seed, "limit=1&cursor=2&search=x")
	}
	f.Fuzz(decodeAll)
}

// decodeAll is the target of FuzzDecoders.
func decodeAll(t *testing.T, body, query string) {
	var c credentials
	if decodeJSON(strings.NewReader(body), &c) == nil && c.clean() == nil &&
		(len(c.Password) < auth.MinPassword || c.Email != strings.ToLower(c.Email)) {
		t.Error("credentials got through")
	}
	var o orderRequest
	if decodeJSON(strings.NewReader(body), &o) == nil && o.check() == nil {
		for _, line := range o.Lines {
			if line.Quantity < 1 || line.Quantity > maxQuantity || line.ProductID <= 0 {
				t.Error("an order got through")
			}
		}
	}
	if checkKey(body) == nil && strings.ContainsAny(body, " \n\x00") {
		t.Error("a key got through")
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return
	}
	if p, err := readPage(values); err == nil && (p.limit < 1 || p.limit > maxLimit || p.after < 0) {
		t.Error("a page got through")
	}
}
