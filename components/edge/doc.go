// Package edge is the way from the internet to the application.
//
// Creates: an internal Application Load Balancer with its target group, listener and security group; a CloudFront
// distribution that reaches it through a VPC origin; a web ACL; two buckets for access logs; and, with a domain, its
// certificates and DNS records.
//
// Refuses: a domain without its hosted zone, a protected environment without a firewall.
//
// Protects: the load balancer, from deletion by anyone, when asked to. Access logs outlive the environment unless told
// otherwise.
//
// Owns: what is cached and what is not, and the rules of the firewall. Nothing but CloudFront has a public address, and
// nothing but CloudFront may connect to the load balancer. Without a domain the way from CloudFront to the pods, inside
// the VPC, is plain HTTP; with one it is HTTPS as far as the load balancer.
package edge
