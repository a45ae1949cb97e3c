// Package edge creates the path of requests from the internet to the application.
//
// Creates: an internal Application Load Balancer with its target group, listener and security group; a CloudFront
// distribution that reaches the load balancer through a VPC origin; a web ACL; two buckets for access logs; with a
// domain, its certificates and DNS records. While the environment is parked there is no load balancer, and a CloudFront
// function answers every request with a page that says so.
//
// Refuses: a domain without its hosted zone, and a hosted zone without a domain; if the environment is protected, an
// edge without a firewall, and access logs that are deleted with the environment.
//
// Protects: the load balancer, from deletion by anybody, if the environment is protected. The buckets of access logs
// outlive the environment unless the settings say otherwise. A protected stack protects the distribution.
//
// Owns: what CloudFront caches, and the rules of the firewall. Only CloudFront has a public address, and only
// CloudFront may connect to the load balancer. Without a domain, requests from CloudFront to the pods are plain HTTP
// inside the VPC; with a domain, they are HTTPS as far as the load balancer.
package edge
