package tunnel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"groundwork/components/bastion"
	"groundwork/internal/awscli"
)

// Bastion starts sessions that end at the bastion of a cluster.
type Bastion struct {
	Target Target
	// Command is the command line of a process that calls RunSession.
	Command []string
	// Log gets a line for each step.
	Log io.Writer
}

// notConnected is the error of AWS for an instance whose agent does not listen: it registers a little before that, and
// an instance that stops counts as online for some minutes.
const notConnected = "TargetNotConnected"

// Start makes the bastion run, starts a session in a process of its own, and waits until it accepts connections.
func (b *Bastion) Start(ctx context.Context) (*Session, error) {
	for {
		instance, err := b.running(ctx)
		if err != nil {
			return nil, err
		}
		session, err := b.start(ctx, instance)
		if err == nil || !strings.Contains(err.Error(), notConnected) {
			return session, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}

// start starts a session at an instance.
func (b *Bastion) start(ctx context.Context, instance string) (*Session, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(b.Log, "starting a session at %s\n", instance)
	cmd := exec.Command(b.Command[0], slices.Concat(b.Command[1:], b.Target.Flags(),
		[]string{"--instance", instance, "--local-port", strconv.Itoa(port)})...)
	var failure bytes.Buffer
	cmd.Stdout, cmd.Stderr = b.Log, io.MultiWriter(b.Log, &failure)
	// The session ends when its standard input does, even if this process is killed.
	alive, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	session := &Session{
		Address: net.JoinHostPort("localhost", strconv.Itoa(port)), Ended: ended,
		Stop: func() {
			alive.Close()
			select {
			case <-ended:
			case <-time.After(2 * goodbye):
				_ = cmd.Process.Kill()
			}
		},
	}
	if err := session.accepts(ctx); err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(failure.String()))
	}
	return session, nil
}

// accepts waits until a session accepts connections.
func (s *Session) accepts(ctx context.Context) error {
	for {
		if conn, err := net.DialTimeout("tcp", s.Address, time.Second); err == nil {
			return conn.Close()
		}
		select {
		case <-s.Ended:
			return errors.New("the session ended before it accepted connections")
		case <-ctx.Done():
			s.Stop()
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

// pause is how long to wait before AWS is asked again.
const pause = 2 * time.Second

// instance is an instance as EC2 describes it.
type instance struct {
	InstanceID string `json:"InstanceId"`
	LaunchTime string
	State      struct{ Name string }
}

// find returns the bastion; of two, while one replaces the other, the newer one.
func (b *Bastion) find(call func(any, ...string) error) (*instance, error) {
	var found struct {
		Reservations []struct{ Instances []instance }
	}
	if err := call(&found, "ec2", "describe-instances", "--filters",
		"Name=tag:Name,Values="+bastion.Name(b.Target.Cluster),
		"Name=instance-state-name,Values=pending,running,stopping,stopped"); err != nil {
		return nil, err
	}
	var newest *instance
	for _, reservation := range found.Reservations {
		for _, i := range reservation.Instances {
			if newest == nil || i.LaunchTime > newest.LaunchTime {
				newest = &i
			}
		}
	}
	if newest == nil {
		return nil, fmt.Errorf("there is no instance %s in %s: the platform layer makes it; where somebody deleted it, "+
			"pulumi up --target-replace '**Instance::bastion' makes it again",
			bastion.Name(b.Target.Cluster), b.Target.Region)
	}
	return newest, nil
}

// running returns the ID of the bastion when Session Manager reaches it. It starts a bastion that is stopped.
func (b *Bastion) running(ctx context.Context) (string, error) {
	account := awscli.Account{Region: b.Target.Region}
	call := func(result any, args ...string) error { return account.Call(ctx, b.Target.Region, result, args...) }
	asked := false
	for {
		found, err := b.find(call)
		if err != nil {
			return "", err
		}
		switch found.State.Name {
		case "stopped":
			if !asked {
				fmt.Fprintf(b.Log, "starting the bastion %s\n", found.InstanceID)
				if err := call(nil, "ec2", "start-instances", "--instance-ids", found.InstanceID); err != nil {
					return "", err
				}
				asked = true
			}
		case "running":
			online, err := b.online(found.InstanceID, call)
			if err != nil || online {
				return found.InstanceID, err
			}
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("the bastion %s is %s, and Session Manager does not reach it: %w",
				found.InstanceID, found.State.Name, ctx.Err())
		case <-time.After(pause):
		}
	}
}

// online reports whether Session Manager reaches an instance.
func (b *Bastion) online(instance string, call func(any, ...string) error) (bool, error) {
	var agents struct {
		InstanceInformationList []struct{ PingStatus string }
	}
	err := call(&agents, "ssm", "describe-instance-information", "--filters", "Key=InstanceIds,Values="+instance)
	return len(agents.InstanceInformationList) > 0 && agents.InstanceInformationList[0].PingStatus == "Online", err
}
