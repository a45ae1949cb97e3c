package tests

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/awstype"
	"groundwork/internal/report"
)

// source is one environment as the report takes it.
func source(t *testing.T, name, stack string, changes ...string) *report.Source {
	t.Helper()
	c, err := load(t, stack, changes...)
	require.NoError(t, err)
	raw, err := repository(t).Project.Config(stack, changes...)
	require.NoError(t, err)
	g := graphIn(t, stack, changes...)
	return &report.Source{Name: name, Config: c, Raw: raw, Graph: g, Sheet: sheetOf(t, name, g, c.Region)}
}

func written(t *testing.T, p *report.Page) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, p.Write(&out))
	return out.String()
}

func prodPage(t *testing.T) *report.Page {
	t.Helper()
	return report.New(today, nil, source(t, "prod", "prod"), source(t, "dev", "dev"), source(t, "dev parked", "dev", "parked=true"))
}

// TestReport: the page says what the graph, the sheet, the rules and the settings say.
func TestReport(t *testing.T) {
	p := prodPage(t)
	text := written(t, p)
	g := graphOf(t, "prod", false)
	for _, subnet := range g.OfType(awstype.Subnet) {
		assert.Contains(t, text, subnet.Inputs.Str("tags.Tier")+" "+subnet.Inputs.Str("cidrBlock")+"</text>")
	}
	assert.Equal(t, 3, strings.Count(text, ">NAT gateway</text>"))
	assert.Equal(t, 2, strings.Count(text, ">PostgreSQL 15</text>"), "primary and standby")
	var ways []string
	for _, f := range p.Picture.Flows {
		ways = append(ways, f.From+" > "+f.To+" "+f.Ports)
	}
	assert.Equal(t, []string{
		"10.20.0.0/16 > VPC endpoints tcp 443", "CloudFront > load balancer tcp 80-443", "load balancer > nodes tcp 8080", "nodes > cache tcp 6379", "nodes > database tcp 5432",
	}, ways)
	fixed, usage := p.Sheet.Total()
	assert.Contains(t, text, fmt.Sprintf("<dd>$ %.2f</dd>", fixed+usage))
	assert.Greater(t, p.Held, 90)
	assert.Zero(t, p.Broken)
	assert.NotContains(t, text, "<script")
	assert.NotRegexp(t, regexp.MustCompile(`(src|href)="(https?:)?//`), text, "nothing is loaded from anywhere")
	for _, d := range p.Differences {
		assert.Contains(t, text, "<code>"+d.Setting+"</code>")
	}
	assert.Len(t, p.Differences, len(report.Settings(stackConfig(t, "prod")))-same(t))
	more := report.New(today, nil, source(t, "prod", "prod"), source(t, "dev", "dev", "tags.Team=shop"))
	assert.Contains(t, more.Differences, report.Difference{Setting: "tags.Team", There: "shop"}, "what only the other one has is a difference too")
	wide := written(t, report.New(today, []string{"cache.nodes=4"}, source(t, "prod", "prod", "cache.nodes=4"), source(t, "dev", "dev")))
	assert.Contains(t, wide, ">2 nodes of 4</text>")
	assert.Contains(t, wide, "Tried with <code>cache.nodes=4</code>")

	// What is wrong is said, and what is not there is not drawn.
	open := source(t, "prod", "prod")
	first(open.Graph, awstype.DBInstance).Inputs["storageEncrypted"] = false
	broken := report.New(today, nil, open, source(t, "dev", "dev"))
	assert.Positive(t, broken.Broken)
	assert.Contains(t, written(t, broken), "not held")
	parked := written(t, report.New(today, nil, source(t, "dev parked", "dev", "parked=true"), source(t, "dev", "dev")))
	assert.Contains(t, parked, "answers by itself: parked")
	for _, gone := range []string{">NAT gateway<", "load balancer, internal", ">nodes, in all zones", ">valkey"} {
		assert.NotContains(t, parked, gone)
	}
	hostile := source(t, "prod", "prod")
	hostile.Raw["groundwork:owner"] = `"><script>alert(1)</script>`
	assert.NotContains(t, written(t, report.New(today, nil, hostile, source(t, "dev", "dev"))), "<script")
}

// same is how many settings dev and prod have in common.
func same(t *testing.T) int {
	t.Helper()
	dev, n := report.Settings(stackConfig(t, "dev")), 0
	for key, value := range report.Settings(stackConfig(t, "prod")) {
		if dev[key] == value {
			n++
		}
	}
	return n
}

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
  const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
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
		tasks = append(tasks, chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`(document.activeElement.textContent || '').trim().slice(0, 24)`, &text),
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
	if testing.Short() {
		t.Skip("needs Chromium")
	}
	html := written(t, prodPage(t))
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
	planted := strings.Replace(html, "<main>", `<main><script>1</script><img src="https://example.invalid/x.png"><p style="width:200em;color:#ccc">x</p>`, 1)
	s := browse(t, planted, 390, "light")
	assert.NotEmpty(t, s.complaints)
	assert.NotEmpty(t, browse(t, regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllString(planted, ""), 390, "light").requests)
	assert.True(t, s.tooWide)
	assert.Less(t, s.contrast, 4.5)
}
