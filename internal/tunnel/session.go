package tunnel

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/session-manager-plugin/src/datachannel"
	"github.com/aws/session-manager-plugin/src/log"
	"github.com/aws/session-manager-plugin/src/sdkutil"
	"github.com/aws/session-manager-plugin/src/sessionmanagerplugin/session"
	_ "github.com/aws/session-manager-plugin/src/sessionmanagerplugin/session/portsession" // Registers port forwarding.
	"github.com/twinj/uuid"

	"groundwork/components/identity"
)

// goodbye is how long a session has to end in AWS too.
const goodbye = 2 * time.Second

// RunSession starts a session that forwards a port of the loopback interface to the host of t, as instance sees it, and
// returns when the session has ended. The session ends when stdin does. AWS's library may end the process instead of
// returning.
func RunSession(ctx context.Context, t Target, instance string, localPort int, stdin io.Reader) error {
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		// On an interrupt, the library ends the session in AWS too, and then the process.
		_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
		time.Sleep(goodbye)
		os.Exit(0)
	}()
	loaded, err := config.LoadDefaultConfig(ctx, config.WithRegion(t.Region))
	if err != nil {
		return fmt.Errorf("reading the configuration of AWS: %w", err)
	}
	client := ssm.NewFromConfig(loaded)
	started, err := client.StartSession(ctx, &ssm.StartSessionInput{
		Target: aws.String(instance), DocumentName: aws.String(identity.ForwardingDocument),
		Reason: aws.String("Kubernetes API of " + t.Cluster),
		Parameters: map[string][]string{
			"host": {t.Host}, "portNumber": {"443"}, "localPortNumber": {strconv.Itoa(localPort)},
		},
	})
	if err != nil {
		return err
	}
	// The library signs with the credentials of this region, and identifies messages by UUIDs of this form.
	sdkutil.SetRegionAndProfile(t.Region, "")
	uuid.SwitchFormat(uuid.CleanHyphen)
	s := session.Session{
		SessionId: *started.SessionId, StreamUrl: *started.StreamUrl, TokenValue: *started.TokenValue,
		ClientId: uuid.NewV4().String(), TargetId: instance, Region: t.Region,
		DataChannel: &datachannel.DataChannel{},
	}
	return s.Execute(log.Logger(false, "session-manager-plugin"))
}
