package cost

import (
	"encoding/json"
	"fmt"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// hoursPerWeek is how long a resource runs that never stops.
const hoursPerWeek = 7 * 24

// share returns the share of the week that a database or a node group runs. Without schedules, that is all of it. The
// text says the share to people.
func (p *pricing) share(r *graph.Resource) (share float64, text string) {
	start, stop := "", ""
	for _, s := range p.graph.OfType(awstype.Schedule) {
		var input struct {
			DBInstanceIdentifier string `json:"DbInstanceIdentifier"`
			NodegroupName        string
			ScalingConfig        struct{ DesiredSize int }
		}
		if err := json.Unmarshal([]byte(s.Inputs.Str("target.input")), &input); err != nil {
			continue
		}
		starts := false
		switch _, operation, _ := strings.Cut(s.Inputs.Str("target.arn"), "aws-sdk:"); {
		case operation == "eks:updateNodegroupConfig" && input.NodegroupName == r.Outputs.Str("nodeGroupName"):
			starts = input.ScalingConfig.DesiredSize > 0
		case strings.HasPrefix(operation, "rds:") && input.DBInstanceIdentifier == r.Inputs.Str("identifier"):
			starts = operation == "rds:startDBInstance"
		default:
			continue
		}
		if starts {
			start = s.Inputs.Str("scheduleExpression")
		} else {
			stop = s.Inputs.Str("scheduleExpression")
		}
	}
	if start == "" || stop == "" {
		return 1, ""
	}
	hours := weeklyHours(start, stop)
	return hours / hoursPerWeek, fmt.Sprintf(", %.4g h a week", hours)
}

// weeklyHours returns the hours from start to stop on the days that both name. Start and stop are cron expressions of
// EventBridge Scheduler.
func weeklyHours(start, stop string) float64 {
	clock := func(expression string) (hours float64, days int) {
		fields := strings.Fields(strings.Trim(strings.TrimPrefix(expression, "cron"), "()"))
		var minute, hour int
		if len(fields) != 6 {
			return 0, 0
		}
		if _, err := fmt.Sscanf(fields[0]+" "+fields[1], "%d %d", &minute, &hour); err != nil {
			return 0, 0
		}
		return float64(hour) + float64(minute)/60, len(strings.Split(fields[4], ","))
	}
	from, days := clock(start)
	to, _ := clock(stop)
	return max(0, to-from) * float64(days)
}
