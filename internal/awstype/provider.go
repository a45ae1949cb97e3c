package awstype

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed provider.txt
var providerText string

// Property is what the AWS provider knows of one property of a type.
type Property struct {
	// Path is the property's path, such as "vpcConfig.subnetIds" or "ingress[].cidrBlocks".
	Path string
	// Kind is "string", "boolean", "integer", "number", "object" or "any", or "list of", "set of" or "map of" one of them.
	Kind string
	// Required, Optional and Computed say who sets it. A property that is optional and computed keeps the value that AWS
	// gave it when the program stops setting it.
	Required, Optional, Computed bool
	// Replaces is true where a change replaces the resource.
	Replaces bool
	// Default is the value that the provider sends where the program gives none, as text; nil for none.
	Default *string
	// Limits are what the provider's validators allow.
	Limits []Limit
}

// Input reports whether a program can set the property.
func (p Property) Input() bool { return p.Required || p.Optional }

// provided are the provider's types by token.
var provided = func() map[string]*providerType {
	all, err := parseProvider(providerText)
	if err != nil {
		panic("internal/awstype/provider.txt: " + err.Error())
	}
	return all
}()

// providerType is what the provider knows of a type.
type providerType struct {
	noUpdate   bool
	properties map[string]Property
	// replacing are the paths of the properties whose change replaces the resource, sorted.
	replacing []string
}

// parseProvider reads the form of provider.txt.
func parseProvider(text string) (map[string]*providerType, error) {
	all := map[string]*providerType{}
	var current *providerType
	for i, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		columns := strings.Split(line, "\t")
		if columns[0] != "" {
			current = &providerType{noUpdate: len(columns) > 1, properties: map[string]Property{}}
			all[columns[0]] = current
			continue
		}
		if current == nil || len(columns) < 4 {
			return nil, fmt.Errorf("line %d has no type, or less than three columns", i+1)
		}
		p, err := parseProperty(columns[1:])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		current.properties[p.Path] = p
		if p.Replaces {
			current.replacing = append(current.replacing, p.Path)
		}
	}
	return all, nil
}

func parseProperty(columns []string) (Property, error) {
	p := Property{Path: columns[0], Kind: columns[1]}
	for _, flag := range strings.Fields(columns[2]) {
		switch flag {
		case "required":
			p.Required = true
		case "optional":
			p.Optional = true
		case "computed":
			p.Computed = true
		case "replaces":
			p.Replaces = true
		case "sensitive":
		default:
			return p, fmt.Errorf("property %s: %q is not a flag", p.Path, flag)
		}
	}
	for _, column := range columns[3:] {
		if value, ok := strings.CutPrefix(column, "default "); ok || column == "default" {
			p.Default = &value
			continue
		}
		limit, err := parseLimit(column)
		if err != nil {
			return p, fmt.Errorf("property %s: %w", p.Path, err)
		}
		p.Limits = append(p.Limits, limit)
	}
	return p, nil
}

// Properties returns the provider's properties of a type by path; nil for a type of another provider.
func Properties(token string) map[string]Property {
	if t := provided[token]; t != nil {
		return t.properties
	}
	return nil
}

// Replacing lists the properties whose change replaces a resource of the type, sorted: those of the provider's schema,
// or of the row for a type of another provider.
func Replacing(token string) []string {
	t := provided[token]
	switch {
	case t == nil:
		return Of(token).Replaces
	case !t.noUpdate:
		return t.replacing
	}
	var all []string
	for path, p := range t.properties {
		if p.Input() {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return all
}
