package tests

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// form posts a form as a browser does. Values are pairs of a name and a value.
func (s *shop) form(path, cookie string, values ...string) answer {
	body := url.Values{}
	for i := 0; i < len(values); i += 2 {
		body.Set(values[i], values[i+1])
	}
	return s.call("POST", path, body.Encode(),
		"Content-Type", "application/x-www-form-urlencoded",
		"Cookie", cookie)
}

// TestPages buys a product without JavaScript, with forms and links only.
func TestPages(t *testing.T) {
	s := open(t, nil)
	home := s.call("GET", "/", "")
	require.Equal(t, 200, home.status)
	assert.Contains(t, home.header.Get("Content-Security-Policy"), "default-src 'none'")
	assert.Equal(t, "no-store", home.header.Get("Cache-Control"))
	assert.NotRegexp(t, `(href|action|src)="https?:`, home.body, "all URLs are relative to the site")
	assert.NotContains(t, home.body, "<script")
	s.checkAssets(t, home)

	assert.Contains(t, s.call("GET", "/?search=teapot", "").body, "teapot")
	escaped := s.call("GET", "/?search=%3Cscript%3E", "").body
	assert.Contains(t, escaped, "&lt;script&gt;", "what people write is shown, not run")
	assert.Equal(t, 200, s.call("GET", "/products/3", "").status)
	assert.Equal(t, 404, s.call("GET", "/products/9999", "").status)
	assert.Equal(t, 404, s.call("GET", "/nothing", "").status)
	assert.Equal(t, "/sign-in", s.call("GET", "/cart", "").header.Get("Location"))
	assert.Equal(t, 200, s.call("GET", "/sign-in", "").status)

	cookie := s.signUp(t)
	require.Equal(t, 303, s.form("/cart", cookie, "product", "4", "quantity", "2").status)
	assert.Equal(t, 400, s.form("/cart", cookie, "product", "4", "quantity", "many").status)
	cart := s.call("GET", "/cart", "", "Cookie", cookie)
	key := regexp.MustCompile(`name="key" value="([0-9a-f]+)"`).FindStringSubmatch(cart.body)
	require.NotNil(t, key)
	for range 2 {
		ordered := s.form("/orders", cookie, "key", key[1])
		assert.Equal(t, "/orders", ordered.header.Get("Location"), "a second click is harmless")
	}
	orders := s.call("GET", "/orders", "", "Cookie", cookie)
	assert.Equal(t, 1, strings.Count(orders.body, "<section"))
	assert.Equal(t, 400, s.form("/orders", cookie, "key", "x").status)
	assert.Contains(t, s.call("GET", "/cart", "", "Cookie", cookie).body, "Your cart is empty")
	assert.Contains(t, s.form("/sign-out", cookie).header.Get("Set-Cookie"), "Max-Age=0")
}

// checkAssets checks that a page's static files have hashed names and may be cached for a year.
func (s *shop) checkAssets(t *testing.T, home answer) {
	t.Helper()
	style := regexp.MustCompile(`href="(/static/style\.[0-9a-f]{12}\.css)"`).FindStringSubmatch(home.body)
	require.NotNil(t, style, "static files carry a hash of their content")
	css := s.call("GET", style[1], "")
	assert.Equal(t, 200, css.status)
	assert.Equal(t, "public, max-age=31536000, immutable", css.header.Get("Cache-Control"))
	assert.Contains(t, css.header.Get("Content-Type"), "text/css")
	assert.Equal(t, 404, s.call("GET", "/static/style.css", "").status)
}

// signUp signs up and in through the forms, with invalid values first, and returns the session cookie.
func (s *shop) signUp(t *testing.T) string {
	t.Helper()
	refused := s.form("/sign-up", "", "email", "kim@example.com", "password", "short")
	assert.Equal(t, 400, refused.status)
	assert.Contains(t, refused.body, `value="kim@example.com"`, "what was typed is kept")
	assert.Contains(t, refused.body, `role="alert"`)
	up := s.form("/sign-up", "", "email", "kim@example.com", "password", "correct horse")
	require.Equal(t, 303, up.status, up.body)
	set := up.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Lax"} {
		assert.Contains(t, set, want)
	}
	wrong := s.form("/sign-in", "", "email", "kim@example.com", "password", "wrong password")
	assert.Equal(t, 401, wrong.status)
	right := s.form("/sign-in", "", "email", "kim@example.com", "password", "correct horse")
	assert.Equal(t, 303, right.status)
	cookie, _, _ := strings.Cut(set, ";")
	return cookie
}

// browser starts a browser and returns its context. The returned slice collects what the browser writes to its log.
func browser(t *testing.T) (context.Context, *[]string) {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("disable-gpu", true))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(cancel)
	complaints := &[]string{}
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *log.EventEntryAdded:
			*complaints = append(*complaints, e.Entry.Text)
		case *runtime.EventExceptionThrown:
			*complaints = append(*complaints, e.ExceptionDetails.Text)
		}
	})
	return ctx, complaints
}

// shot saves a screenshot in the directory SCREENSHOTS. If the variable is not set, it does nothing.
func shot(name string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		shots := os.Getenv("SCREENSHOTS")
		if shots == "" {
			return nil
		}
		var image []byte
		if err := chromedp.FullScreenshot(&image, 100).Do(ctx); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(shots, name+".png"), image, 0o644)
	})
}

// audit is a script that lists barriers for users of screen readers: controls without a name, a page without exactly
// one main heading, and a page without a language. It also reports a page that is wider than the window.
const audit = `[...document.querySelectorAll('input:not([type=hidden]),button,a')]` +
	`.filter(e => !(e.textContent.trim() || e.labels?.length || e.ariaLabel)).map(e => e.outerHTML)
		.concat(document.querySelectorAll('h1').length == 1 ? [] : ['no single h1'])` +
	`.concat(document.documentElement.lang ? [] : ['no language'])
		.concat(document.documentElement.scrollWidth > %d ? ['wider than the window'] : [])`

// audited runs audit in a window of a width and stores the result.
func audited(into *[]string, width int) chromedp.Action {
	return chromedp.Evaluate(fmt.Sprintf(audit, width), into)
}

// TestBrowser buys a product in a real browser, in a wide and a narrow window, in light and dark mode. It checks that
// the pages have no barriers and that the browser logs no errors.
func TestBrowser(t *testing.T) {
	s := open(t, nil)
	ctx, complaints := browser(t)
	problems := make([][]string, 6)
	var focused, orders string
	dark := emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: "dark"},
	})
	require.NoError(t, chromedp.Run(ctx,
		log.Enable(),
		emulation.SetDeviceMetricsOverride(1200, 900, 1, false),
		chromedp.Navigate(s.url+"/"), chromedp.WaitVisible(".products"), audited(&problems[0], 1200), shot("home"),
		chromedp.KeyEvent("\t"), chromedp.Evaluate(`document.activeElement.textContent`, &focused),
		chromedp.SendKeys("#search", "teapot\r"), chromedp.WaitVisible(`//p[contains(., "Results for")]`),
		audited(&problems[1], 1200),
		chromedp.Navigate(s.url+"/sign-up"),
		chromedp.SendKeys("#email", "lee@example.com"), chromedp.SendKeys("#password", "correct horse"),
		audited(&problems[2], 1200), shot("sign-up"),
		chromedp.Submit("#password"), chromedp.WaitVisible(`//button[text()="Sign out"]`),
		chromedp.Navigate(s.url+"/products/7"), chromedp.WaitVisible("#quantity"), audited(&problems[3], 1200),
		chromedp.SetValue("#quantity", "3"), chromedp.Click(`//button[text()="Put into cart"]`),
		chromedp.WaitVisible("table"),
		emulation.SetDeviceMetricsOverride(360, 740, 2, true), audited(&problems[4], 360), shot("cart-phone"),
		chromedp.Click(`//button[text()="Place the order"]`), chromedp.WaitVisible("section"),
		audited(&problems[5], 360),
		dark, shot("orders-dark"),
		chromedp.Text("section", &orders),
	))
	assert.Equal(t, "Skip to content", focused, "the first stop of the keyboard")
	assert.Contains(t, orders, "3 ×")
	for i, p := range problems {
		assert.Empty(t, p, "page %d", i)
	}
	assert.Empty(t, *complaints)
}
