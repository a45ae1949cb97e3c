package awstype

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limit is one condition that a validator of the provider has about a value.
type Limit struct {
	// Text is the condition as provider.txt has it, such as "length 1..64".
	Text string
	// OfList is true for a condition about the number of elements of a list.
	OfList bool
	// holds reports whether a text or, of a list, its length meets the condition.
	holds func(value string) bool
}

// Allows reports whether a value meets the condition: a text, a number, a boolean or, where OfList is true, a list.
func (l Limit) Allows(value any) bool {
	switch v := value.(type) {
	case []any:
		return !l.OfList || l.holds(strconv.Itoa(len(v)))
	case string:
		return l.OfList || l.holds(v)
	case float64:
		return l.OfList || l.holds(strconv.FormatFloat(v, 'f', -1, 64))
	case bool:
		return l.OfList || l.holds(strconv.FormatBool(v))
	}
	return true
}

// namedLimits are the conditions that the provider's code has a name for.
var namedLimits = map[string]func(string) bool{
	"ARN":                          pattern(`^arn:[\w-]*:[\w-]+:[\w-]*:(\d{12}|aws|cloudfront|aws-managed)?:.+$`, ""),
	"AccountID":                    pattern(`^\d{12}$`),
	"Base64String":                 isBase64,
	"Duration":                     isDuration,
	"IAMPolicyJSON":                isJSONObject,
	"IPv4CIDRNetworkAddress":       isNetwork,
	"IPv6CIDRNetworkAddress":       isNetwork,
	"IsCIDRNetwork":                isNetwork,
	"IsIPv4Address":                isAddress,
	"IsIPv6Address":                isAddress,
	"IsPortNumber":                 within(1, 65535),
	"IsRFC3339Time":                isTime,
	"IsURLWithHTTPS":               isHTTPS,
	"KMSKeyID":                     pattern(`^(arn:.*|[\w-]{36}|mrk-\w+|alias/.+)$`),
	"LaunchTemplateID":             pattern(`^lt-[0-9a-z]+$`),
	"LaunchTemplateName":           pattern(`^[0-9A-Za-z().\-/_]{3,128}$`),
	"NoZeroValues":                 func(text string) bool { return text != "" && text != "0" },
	"OnceADayWindowFormat":         pattern(`^\d\d:\d\d-\d\d:\d\d$`, ""),
	"OnceAWeekWindowFormat":        pattern(`^(?i:[a-z]{3}:\d\d:\d\d-[a-z]{3}:\d\d:\d\d)$`, ""),
	"RFC3339Duration":              pattern(`^-?P`),
	"RegionName":                   pattern(`^[a-z]{2}(-[a-z]+)+-\d{1,2}$`),
	"StringIsJSON":                 func(text string) bool { return json.Valid([]byte(text)) },
	"StringIsNotEmpty":             func(text string) bool { return text != "" },
	"StringIsNotWhiteSpace":        func(text string) bool { return strings.TrimSpace(text) != "" },
	"StringIsValidRegExp":          isRegexp,
	"TypeStringNullableBool":       pattern(`^(true|false|1|0)?$`),
	"TypeStringNullableFloat":      func(text string) bool { return text == "" || isNumber(text) },
	"TypeStringNullableIntBetween": func(text string) bool { return text == "" || isNumber(text) },
	"UTCTimestamp":                 isTime,
}

// bounds are the forms "A..B", "A.." and "..B".
var bounds = regexp.MustCompile(`^(-?[0-9.]*?)\.\.(-?[0-9.]*)$`)

// parseLimit reads one condition.
func parseLimit(text string) (Limit, error) {
	word, rest, _ := strings.Cut(text, " ")
	limit := Limit{Text: text, holds: namedLimits[word], OfList: word == "items"}
	var err error
	switch {
	case word == "length":
		limit.holds, err = parseLength(rest)
	case word == "items":
		limit.holds, err = parseRange(rest)
	case word == "matches":
		limit.holds, err = parsePattern(rest)
	case word == "one":
		values := strings.Split(strings.TrimPrefix(rest, "of "), ",")
		limit.holds = func(text string) bool { return slices.Contains(values, text) }
	case word == "any":
		limit.holds, err = parseAny(strings.TrimPrefix(rest, "of "))
	case word == "multiple":
		limit.holds, err = parseMultiple(strings.TrimPrefix(rest, "of "))
	case limit.holds == nil:
		limit.holds, err = parseRange(text)
	}
	return limit, err
}

func parseRange(text string) (func(string) bool, error) {
	match := bounds.FindStringSubmatch(text)
	if match == nil {
		return nil, fmt.Errorf("%q is not a limit", text)
	}
	low, high := math.Inf(-1), math.Inf(1)
	if match[1] != "" {
		low, _ = strconv.ParseFloat(match[1], 64)
	}
	if match[2] != "" {
		high, _ = strconv.ParseFloat(match[2], 64)
	}
	return within(low, high), nil
}

func parseLength(text string) (func(string) bool, error) {
	inRange, err := parseRange(text)
	return func(text string) bool { return inRange(strconv.Itoa(utf8.RuneCountInString(text))) }, err
}

func parsePattern(text string) (func(string) bool, error) {
	expression, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a pattern: %w", text, err)
	}
	return expression.MatchString, nil
}

func parseMultiple(text string) (func(string) bool, error) {
	unit, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is not a number", text)
	}
	return func(text string) bool {
		n, err := strconv.ParseFloat(text, 64)
		return err == nil && math.Mod(n, unit) == 0
	}, nil
}

func parseAny(text string) (func(string) bool, error) {
	var choices []Limit
	for _, part := range strings.Split(text, " | ") {
		choice, err := parseLimit(part)
		if err != nil {
			return nil, err
		}
		choices = append(choices, choice)
	}
	return func(text string) bool {
		return slices.ContainsFunc(choices, func(l Limit) bool { return l.holds(text) })
	}, nil
}

func within(low, high float64) func(string) bool {
	return func(text string) bool {
		n, err := strconv.ParseFloat(text, 64)
		return err == nil && n >= low && n <= high
	}
}

// pattern allows what matches an expression, and each of the other values.
func pattern(expression string, others ...string) func(string) bool {
	compiled := regexp.MustCompile(expression)
	return func(text string) bool { return compiled.MatchString(text) || slices.Contains(others, text) }
}

// isNetwork reports whether text is the address of a network, without bits of a host.
func isNetwork(text string) bool {
	prefix, err := netip.ParsePrefix(text)
	return err == nil && prefix == prefix.Masked()
}

func isAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

func isBase64(text string) bool {
	_, err := base64.StdEncoding.DecodeString(text)
	return err == nil
}

func isDuration(text string) bool {
	_, err := time.ParseDuration(text)
	return err == nil
}

func isHTTPS(text string) bool {
	address, err := url.Parse(text)
	return err == nil && address.Scheme == "https" && address.Host != ""
}

func isJSONObject(text string) bool {
	var object map[string]any
	return json.Unmarshal([]byte(text), &object) == nil
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}

func isRegexp(text string) bool {
	_, err := regexp.Compile(text)
	return err == nil
}

func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}
