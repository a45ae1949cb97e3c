// Package observability tells people when something is wrong.
//
// Creates: an SNS topic with a key and a policy of its own, subscriptions, alarms for the edge, nodes, NAT gateways,
// database, cache and operators, RDS event notifications, a dashboard and a monthly budget. CloudFront reports to
// us-east-1, so its alarms and a topic for them are there.
//
// Refuses: thresholds that could never fire or always would, addresses that are no e-mail addresses, budgets of
// nothing.
//
// Protects: nothing; all of it can be made again.
//
// Owns: the alarm table (alarms.go) and the dashboard (dashboard.go). Nothing depends on this package's resources, so
// changing an alarm touches nothing else.
package observability
