package awstype

import (
	"fmt"
	"strings"
	"time"
)

// Window is a weekly maintenance window in UTC, in AWS's form: "sun:03:30-sun:04:30".
type Window string

// Next returns when the window begins and ends next: the one in progress at that moment counts.
func (w Window) Next(after time.Time) (start, end time.Time, err error) {
	from, to, ok := strings.Cut(string(w), "-")
	first, err1 := moment(from)
	last, err2 := moment(to)
	if !ok || err1 != nil || err2 != nil {
		return start, end, fmt.Errorf("%q is not a maintenance window, such as sun:03:30-sun:04:30", string(w))
	}
	after = after.UTC()
	midnight := time.Date(after.Year(), after.Month(), after.Day(), 0, 0, 0, 0, time.UTC)
	sunday := midnight.AddDate(0, 0, -int(midnight.Weekday())-7)
	for {
		start, end = sunday.Add(first), sunday.Add(last)
		if last <= first {
			end = end.AddDate(0, 0, 7)
		}
		if end.After(after) {
			return start, end, nil
		}
		sunday = sunday.AddDate(0, 0, 7)
	}
}

// String says in words when the window begins, such as "Sunday 03:30 UTC".
func (w Window) String() string {
	start, _, err := w.Next(time.Time{})
	if err != nil {
		return string(w)
	}
	return start.Format("Monday 15:04 UTC")
}

// moment returns how long after the beginning of Sunday a moment such as "sun:03:30" is.
func moment(text string) (time.Duration, error) {
	day, clock, _ := strings.Cut(text, ":")
	at, err := time.Parse("15:04", clock)
	if err != nil {
		return 0, err
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(day, d.String()[:3]) {
			return time.Duration(d)*24*time.Hour + time.Duration(at.Hour())*time.Hour +
				time.Duration(at.Minute())*time.Minute, nil
		}
	}
	return 0, fmt.Errorf("%q is not a day", day)
}
