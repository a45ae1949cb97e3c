package registry

import (
	"encoding/json"
	"fmt"
)

// untaggedDays is how long untagged images are kept: long enough to investigate a failed push.
const untaggedDays = 7

type lifecyclePolicy struct {
	Rules []lifecycleRule `json:"rules"`
}

type lifecycleRule struct {
	RulePriority int               `json:"rulePriority"`
	Description  string            `json:"description"`
	Selection    selection         `json:"selection"`
	Action       map[string]string `json:"action"`
}

type selection struct {
	TagStatus      string   `json:"tagStatus"`
	TagPatternList []string `json:"tagPatternList,omitempty"`
	CountType      string   `json:"countType"`
	CountUnit      string   `json:"countUnit,omitempty"`
	CountNumber    int      `json:"countNumber"`
}

// LifecyclePolicy is the ECR lifecycle policy that expires untagged images after a week and keeps the newest tagged
// images, as many as keep says. An image for several platforms is one tagged index. The images in the index have no
// tags, are not counted, and are kept as long as the index.
func LifecyclePolicy(keep int) string {
	expire := map[string]string{"type": "expire"}
	out, err := json.Marshal(lifecyclePolicy{Rules: []lifecycleRule{{
		RulePriority: 1,
		Description:  fmt.Sprintf("Expire untagged images after %d days", untaggedDays),
		Selection: selection{
			TagStatus:   "untagged",
			CountType:   "sinceImagePushed",
			CountUnit:   "days",
			CountNumber: untaggedDays,
		},
		Action: expire,
	}, {
		RulePriority: 2,
		Description:  fmt.Sprintf("Keep the newest %d images", keep),
		Selection: selection{
			TagStatus:      "tagged",
			TagPatternList: []string{"*"},
			CountType:      "imageCountMoreThan",
			CountNumber:    keep,
		},
		Action: expire,
	}}})
	if err != nil {
		// Strings and numbers always marshal.
		panic(fmt.Sprintf("rendering lifecycle policy: %v", err))
	}
	return string(out)
}
