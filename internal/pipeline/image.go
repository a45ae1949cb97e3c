package pipeline

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// imageArchive is where the stage image leaves the image.
const imageArchive = "bin/webapp-image.tar"

// image builds the image of the commit and scans it for known vulnerabilities. It refuses a commit that has not passed
// quality.
func (r *Run) image(ctx context.Context) error {
	commit, err := r.commit(ctx)
	if err != nil {
		return err
	}
	if err := r.clean(ctx); err != nil {
		return err
	}
	if !r.passed(qualityPassed, commit) {
		if !r.dryRun() {
			return fmt.Errorf("commit %.12s has not passed quality: run make test quality first "+
				"(%s says which commit did)", commit, qualityPassed)
		}
		r.logf("%s would have to say that commit %.12s passed", qualityPassed, commit)
	}
	tag, err := r.tag(ctx)
	if err != nil {
		return err
	}
	if err := r.call(ctx, "tools/image.sh", tag); err != nil {
		return err
	}
	// The image holds the program, two files of certificates and nothing else, so a scan of the program covers it.
	db := r.inputOr(VulnerabilityDB, defaultVulnerabilityDB)
	for _, arch := range []string{"amd64", "arm64"} {
		program := "bin/image/" + arch + "/out/webapp"
		if err := r.call(ctx, "bin/govulncheck", "-db", db, "-mode=binary", program); err != nil {
			return err
		}
	}
	return nil
}

// digestFile is where push leaves the digest for deploy.
func (r *Run) digestFile() string { return r.path("reports", "digest-"+r.get(Environment)) }

// push sends the image to the environment's registry under a tag that never changes, and prints its digest. It keeps an
// image that an earlier run pushed.
func (r *Run) push(ctx context.Context) error {
	env, err := r.environment()
	if err != nil {
		return err
	}
	tag, err := r.tag(ctx)
	if err != nil {
		return err
	}
	repository := r.inputOr(Registry, env.AccountID+".dkr.ecr."+env.Region+".amazonaws.com/"+env.Prefix+"/webapp")
	host, name, _ := strings.Cut(repository, "/")
	if !r.dryRun() {
		if _, err := os.Stat(r.path(imageArchive)); err != nil {
			return fmt.Errorf("there is no image in %s: run make image first", imageArchive)
		}
	}
	removeCredentials, err := r.registryLogin(ctx, env, host)
	if err != nil {
		return err
	}
	defer removeCredentials()
	digest, err := r.pushedDigest(ctx, env, name, tag)
	if err != nil {
		return err
	}
	if digest == "" {
		if digest, err = r.copyImage(ctx, host, repository+":"+tag); err != nil || r.dryRun() {
			return err
		}
	} else {
		r.logf("%s:%s is there already and stays as it is", repository, tag)
	}
	r.logf("%s@%s", repository, digest)
	return os.WriteFile(r.digestFile(), []byte(digest+"\n"), 0o644)
}

// registryLogin signs skopeo in to a registry, and returns a function that removes the credentials.
func (r *Run) registryLogin(ctx context.Context, env *settings, host string) (remove func(), err error) {
	password, err := r.secretOutput(ctx, "aws", "ecr", "get-login-password", "--region", env.Region)
	if err != nil {
		return nil, err
	}
	if err := r.call(ctx, "tools/setup.sh", "push"); err != nil {
		return nil, err
	}
	// The file is removed at the end, because agents are shared and the token is valid for twelve hours.
	credentials := r.path("reports", "registry-credentials.json")
	remove = func() { _ = os.Remove(credentials) }
	r.Env = append(r.Env, "REGISTRY_AUTH_FILE="+credentials)
	if _, err := r.output(ctx, password, "skopeo", "login", "--username", "AWS", "--password-stdin",
		"--tls-verify="+verifyTLS(host), host); err != nil {
		remove()
		return nil, err
	}
	return remove, nil
}

// copyImage pushes the image and returns its digest. A dry run returns "".
func (r *Run) copyImage(ctx context.Context, host, destination string) (string, error) {
	if err := r.call(ctx, "skopeo", "copy", "--quiet", "--all", "--preserve-digests",
		"--dest-tls-verify="+verifyTLS(host), "--digestfile", "reports/digest",
		"oci-archive:"+imageArchive, "docker://"+destination); err != nil || r.dryRun() {
		return "", err
	}
	text, err := os.ReadFile(r.path("reports/digest"))
	if err != nil {
		return "", fmt.Errorf("reading the digest: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// verifyTLS returns "false" for a registry on this machine, which may serve plain HTTP, and "true" for any other.
func verifyTLS(host string) string {
	name, _, _ := strings.Cut(host, ":")
	return fmt.Sprint(name != "localhost" && name != "127.0.0.1")
}

// pushedDigest returns the digest of a tag in the registry, or "" where the registry does not have the tag.
func (r *Run) pushedDigest(ctx context.Context, env *settings, repository, tag string) (string, error) {
	text, err := r.output(ctx, "", "aws", "ecr", "batch-get-image", "--region", env.Region,
		"--repository-name", repository, "--image-ids", "imageTag="+tag,
		"--query", "images[0].imageId.imageDigest", "--output", "text")
	if err != nil {
		return "", err
	}
	if text = strings.TrimSpace(text); text == "None" {
		return "", nil
	}
	return text, nil
}
