package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"parley/internal/secret"
)

const (
	// s3Prefix stands before every key in the bucket, which may hold other things too.
	s3Prefix = "media/"
	// s3Header is how long the storage may take until its answer begins.
	s3Header = 30 * time.Second
)

// S3Options say where the bucket is.
type S3Options struct {
	// Endpoint is the URL of the storage; "" means Amazon's own for the region.
	Endpoint string
	Region   string
	Bucket   string
	Key      string
	Secret   secret.String
}

// S3 is a Store in a bucket of Amazon S3 or of anything that speaks its language. Bytes go through in a stream, in both directions.
type S3 struct {
	client *s3.Client
	bucket string
}

// NewS3 makes a Store in a bucket, which must exist. It calls nobody yet.
func NewS3(o S3Options) *S3 {
	options := s3.Options{
		Region: o.Region,
		// Buckets by path, not by host name: what speaks S3 at home has no names for them.
		UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: o.Key, SecretAccessKey: o.Secret.Reveal()}, nil
		}),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = s3Header }),
		// Check sums that only the newest storages know are left out.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	if o.Endpoint != "" {
		options.BaseEndpoint = aws.String(strings.TrimSuffix(o.Endpoint, "/"))
	}
	return &S3{s3.New(options), o.Bucket}
}

// Put implements Store.
func (s *S3) Put(ctx context.Context, key string, r io.ReadSeeker, size int64) error {
	if err := checkKey(key); err != nil {
		return err
	}
	end, err := r.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = r.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("store file %s: %w", key, err)
	}
	if end != size {
		return fmt.Errorf("store file %s: it has %d bytes, not %d", key, end, size)
	}
	// What a stranger sent has no type in the bucket: somebody may have made it public.
	_, err = s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: aws.String(s3Prefix + key), Body: r, ContentLength: &size,
		ContentType: aws.String(opaqueType), ContentDisposition: aws.String("attachment")})
	if err != nil {
		return fmt.Errorf("store file %s in the bucket: %w", key, err)
	}
	return nil
}

// Open implements Store.
func (s *S3) Open(ctx context.Context, key string, size int64) (io.ReadSeekCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	return &s3Reader{ctx: ctx, s: s, key: key, size: size}, nil
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: aws.String(s3Prefix + key)})
	if err != nil && !missing(err) {
		return fmt.Errorf("delete file %s from the bucket: %w", key, err)
	}
	return nil
}

func missing(err error) bool {
	if _, ok := errors.AsType[*types.NoSuchKey](err); ok {
		return true
	}
	answer, ok := errors.AsType[*awshttp.ResponseError](err)
	return ok && answer.HTTPStatusCode() == http.StatusNotFound
}

// s3Reader reads an object from where it was sought to: the call is made with the first Read, and again after a Seek elsewhere.
type s3Reader struct {
	ctx  context.Context
	s    *S3
	key  string
	size int64
	at   int64
	body io.ReadCloser // nil while no call is under way
}

// Read implements io.Reader.
func (r *s3Reader) Read(p []byte) (int, error) {
	if r.at >= r.size {
		return 0, io.EOF
	}
	if r.body == nil {
		in := &s3.GetObjectInput{Bucket: &r.s.bucket, Key: aws.String(s3Prefix + r.key), Range: aws.String(fmt.Sprintf("bytes=%d-%d", r.at, r.size-1))}
		out, err := r.s.client.GetObject(r.ctx, in)
		if err != nil {
			if missing(err) {
				err = fs.ErrNotExist
			}
			return 0, fmt.Errorf("read file %s from the bucket: %w", r.key, err)
		}
		r.body = out.Body
	}
	n, err := r.body.Read(p)
	r.at += int64(n)
	if err == io.EOF && r.at < r.size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Seek implements io.Seeker.
func (r *s3Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start of a file")
	}
	if offset != r.at {
		if err := r.Close(); err != nil {
			return 0, err
		}
	}
	r.at = offset
	return offset, nil
}

// Close implements io.Closer.
func (r *s3Reader) Close() error {
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	return err
}
