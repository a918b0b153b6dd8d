package config

import (
	"strings"
	"testing"

	"parley/internal/secret"
)

func TestResolveFillsInThePublicURL(t *testing.T) {
	for _, c := range []struct{ listen, public, want string }{
		{"127.0.0.1:8080", "", "http://127.0.0.1:8080"},
		{":9000", "", "http://localhost:9000"},
		{":9000", "https://chat.example.com/", "https://chat.example.com"},
	} {
		s := Server{Listen: c.listen, PublicURL: c.public}
		if err := s.Resolve(); err != nil || s.PublicURL != c.want {
			t.Errorf("Resolve(%+v) = %q, %v; want %q", c, s.PublicURL, err, c.want)
		}
	}
}

// S-168: the installation has an address that nobody reads, whatever its owner says.
func TestResolveFillsInTheAddressThatNobodyReads(t *testing.T) {
	for _, c := range []struct{ public, given, want string }{
		{"", "", "no-reply@localhost"},
		{"http://[::1]:9000", "", "no-reply@localhost"},
		{"http://localhost:9000", "", "no-reply@localhost"},
		{"https://chat.example.com:8443", "", "no-reply@chat.example.com"},
		{"https://chat.example.com", "nobody@example.com", "nobody@example.com"},
	} {
		s := Server{Listen: "127.0.0.1:8080", PublicURL: c.public, NoReplyAddress: c.given}
		if err := s.Resolve(); err != nil || s.NoReplyAddress != c.want {
			t.Errorf("%q at %q: %q, %v", c.given, c.public, s.NoReplyAddress, err)
		}
	}
}

func TestResolveSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		s    Server
		want string
	}{
		"no port":         {Server{Listen: "localhost"}, "--listen"},
		"path in URL":     {Server{Listen: ":1", PublicURL: "https://x.example/chat"}, "--public-url"},
		"other scheme":    {Server{Listen: ":1", PublicURL: "ftp://x.example"}, "--public-url"},
		"bad range":       {Server{Listen: ":1", AllowPrivateTargets: []string{"10.0.0.0"}}, "--allow-private-targets"},
		"bad link range":  {Server{Listen: ":1", AllowPrivateLinks: []string{"10.0.0.0"}}, "--allow-private-links"},
		"other database":  {func() Server { s := Server{Listen: ":1"}; s.Database.UnmarshalText([]byte("mysql://x")); return s }(), "--database"},
		"short key":       {func() Server { s := Server{Listen: ":1"}; s.SecretKey.UnmarshalText([]byte("short")); return s }(), "--secret-key"},
		"no time to keep": {Server{Listen: ":1", LogKeep: -1}, "--log-keep"},
		"nothing to keep": {Server{Listen: ":1", LogMax: -1}, "--log-max"},
		"huge files":      {Server{Listen: ":1", MaxUpload: 100_000}, "--max-upload"},
		"less than none":  {Server{Listen: ":1", MaxUpload: -1}, "--max-upload"},
		"no bucket":       {Server{Listen: ":1", MediaS3Key: "key"}, "--media-s3-bucket"},
		"files of several nodes on one node's disk": {Server{Listen: ":1", Storage: Storage{Data: "data"}, Redis: secret.Of("redis://localhost:6379")}, "--media-dir data/media"},
		"two places for files":                      {Server{Listen: ":1", MediaDir: "files", MediaS3Bucket: "files", MediaS3Key: "key", MediaS3Secret: secret.Of("secret")}, "--media-dir"},
		"no bucket's key":                           {Server{Listen: ":1", MediaS3Bucket: "files"}, "--media-s3-key"},
		"bad storage URL":                           {Server{Listen: ":1", MediaS3Bucket: "files", MediaS3Endpoint: "s3.example.com"}, "--media-s3-endpoint"},
		"no mail address":                           {Server{Listen: ":1", NoReplyAddress: "nobody"}, "--no-reply-address"},
		"named mail address":                        {Server{Listen: ":1", NoReplyAddress: "Nobody <no@x.example>"}, "--no-reply-address"},
		"bad proxy range":                           {Server{Listen: ":1", TrustedProxies: []string{"x"}}, "--trusted-proxies"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.s.Resolve(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Resolve = %v, want something about %s", err, c.want)
			}
		})
	}
}

func TestUnknownVariableIsRefusedWithTheNearestName(t *testing.T) {
	err := CheckEnvironment([]string{"PATH=/bin", "PARLEY_TEST_POSTGRES=x", "PARLEY_LISTN=:1"})
	if err == nil || !strings.Contains(err.Error(), "PARLEY_LISTEN") {
		t.Errorf("CheckEnvironment = %v", err)
	}
	if err := CheckEnvironment([]string{"PARLEY_LISTEN=:1", "PARLEY_SERVER=http://x.example", "PARLEY_TOKEN=x"}); err != nil {
		t.Errorf("a known variable was refused: %v", err)
	}
}

func TestDocNamesEverySetting(t *testing.T) {
	doc := Doc()
	for _, v := range Variables() {
		if !strings.Contains(doc, v) {
			t.Errorf("the reference lacks %s", v)
		}
	}
	if !strings.Contains(doc, "--public-url") || !strings.Contains(doc, "--allow-private-targets") {
		t.Errorf("flag names are wrong:\n%s", doc)
	}
}

func TestFilesHaveALimitAndABucketARegion(t *testing.T) {
	s := Server{Listen: ":1", MediaS3Bucket: "files", MediaS3Key: "key", MediaS3Secret: secret.Of("secret"), MediaS3Endpoint: "http://127.0.0.1:9000"}
	if err := s.Resolve(); err != nil || s.MaxUpload != 25 || s.MediaS3Region != "us-east-1" {
		t.Errorf("%d MB in %q, %v", s.MaxUpload, s.MediaS3Region, err)
	}
	if doc := Doc(); !strings.Contains(doc, "--media-s3-endpoint  (PARLEY_MEDIA_S3_ENDPOINT)") {
		t.Errorf("flag names are wrong:\n%s", doc)
	}
}
