//go:build integration

package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"groundwork/tests/harness"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// seen is what a browser says about a page.
type seen struct {
	// complaints are what its log has; requests what it asked the network for, the page itself left out.
	complaints, requests []string
	// tooWide is true where the page as a whole scrolls sideways.
	tooWide bool
	// contrast is the lowest of text on its background.
	contrast float64
	// focus are the texts of what the tabulator key reaches, in order.
	focus []string
	// opened is true where a summary opened by the keyboard.
	opened bool
}

// lowestContrast walks over all text and returns the lowest contrast with what is behind it.
const lowestContrast = `(() => {
  const parse = c => (c.match(/[\d.]+/g) || []).map(Number);
  const linear = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = rgb => rgb.slice(0, 3).reduce((sum, v, i) => sum + linear(v) * [.2126, .7152, .0722][i], 0);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  let lowest = 21;
  for (const e of document.querySelectorAll('h1,h2,h3,p,a,dt,dd,th,td,summary,li,span,code,strong,footer')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(behind(e));
    lowest = Math.min(lowest, (Math.max(a, b) + .05) / (Math.min(a, b) + .05));
  }
  return lowest;
})()`

func browse(t *testing.T, html string, width int64, scheme string) seen {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.html")
	require.NoError(t, os.WriteFile(file, []byte(html), 0o600))
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("disable-gpu", true))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	var s seen
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *log.EventEntryAdded:
			s.complaints = append(s.complaints, e.Entry.Text)
		case *runtime.EventExceptionThrown:
			s.complaints = append(s.complaints, e.ExceptionDetails.Text)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, "file://") && !strings.HasPrefix(e.Request.URL, "data:") {
				s.requests = append(s.requests, e.Request.URL)
			}
		}
	})
	tasks := chromedp.Tasks{
		log.Enable(), network.Enable(),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		emulation.SetDeviceMetricsOverride(width, 900, 1, false),
		chromedp.Navigate("file://" + file),
		chromedp.Evaluate(`document.documentElement.scrollWidth > document.documentElement.clientWidth`, &s.tooWide),
		chromedp.Evaluate(lowestContrast, &s.contrast),
	}
	for range 8 {
		var text string
		tasks = append(tasks, chromedp.KeyEvent(kb.Tab),
			chromedp.Evaluate(`(document.activeElement.textContent || '').trim().slice(0, 24)`, &text),
			chromedp.ActionFunc(func(context.Context) error { s.focus = append(s.focus, text); return nil }))
	}
	tasks = append(tasks,
		chromedp.Evaluate(`document.querySelector('#cost summary').focus()`, nil), chromedp.KeyEvent(kb.Enter),
		chromedp.Evaluate(`document.querySelector('#cost details').open`, &s.opened),
	)
	if shots := os.Getenv("SCREENSHOTS"); shots != "" {
		var picture []byte
		tasks = append(tasks, chromedp.FullScreenshot(&picture, 100), chromedp.ActionFunc(func(context.Context) error {
			return os.WriteFile(filepath.Join(shots, fmt.Sprintf("report-%d-%s.png", width, scheme)), picture, 0o600)
		}))
	}
	require.NoError(t, chromedp.Run(ctx, tasks))
	return s
}

// TestReportInABrowser: wide and on a phone, light and dark, by keyboard alone, with no complaint and no request.
func TestReportInABrowser(t *testing.T) {
	t.Parallel()
	html := harness.Written(t, harness.ProdPage(t))
	for _, width := range []int64{390, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			s := browse(t, html, width, scheme)
			assert.Empty(t, s.complaints)
			assert.Empty(t, s.requests)
			assert.False(t, s.tooWide, "%d wide", width)
			assert.GreaterOrEqual(t, s.contrast, 4.5, "%s: WCAG AA", scheme)
			assert.Equal(t, []string{"To the content", "Architecture", "Timeline", "Cost", "Security"}, s.focus[:5])
			assert.True(t, s.opened)
		}
	}
	// Planted: a script, a picture from elsewhere, a wide line and faint text are seen.
	const faults = `<script>1</script><img src="https://example.invalid/x.png"><p style="width:200em;color:#ccc">x</p>`
	planted := strings.Replace(html, "<main>", "<main>"+faults, 1)
	s := browse(t, planted, 390, "light")
	assert.NotEmpty(t, s.complaints)
	contentPolicy := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)
	assert.NotEmpty(t, browse(t, contentPolicy.ReplaceAllString(planted, ""), 390, "light").requests)
	assert.True(t, s.tooWide)
	assert.Less(t, s.contrast, 4.5)
}
