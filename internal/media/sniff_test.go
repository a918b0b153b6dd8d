package media

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"parley/internal/event"
)

// box is one of an MP4.
func box(name string, body ...[]byte) []byte {
	inside := bytes.Join(body, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(inside)+8)), name...), inside...)
}

func mp4(brand string, handlers ...string) []byte {
	var tracks []byte
	for _, h := range handlers {
		tracks = append(tracks, box("trak", box("tkhd", make([]byte, 20)), box("mdia", box("mdhd", make([]byte, 20)), box("hdlr", make([]byte, 8), []byte(h), make([]byte, 12))))...)
	}
	return bytes.Join([][]byte{box("ftyp", []byte(brand), make([]byte, 4), []byte(brand)), box("mdat", make([]byte, 5000)), box("moov", box("mvhd", make([]byte, 100)), tracks)}, nil)
}

// element is one of a WebM, with a length of eight bytes; unknown leaves the length out, as browsers that record do.
func element(id []byte, body ...[]byte) []byte {
	inside := bytes.Join(body, nil)
	length := binary.BigEndian.AppendUint64(nil, uint64(len(inside)))
	length[0] |= 1
	return bytes.Join([][]byte{id, length, inside}, nil)
}

func webm(types ...byte) []byte {
	var tracks []byte
	for _, k := range types {
		tracks = append(tracks, element([]byte{0xae}, element([]byte{0xd7}, []byte{1}), element([]byte{0x83}, []byte{k}))...)
	}
	segment := bytes.Join([][]byte{{0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		element([]byte{0x15, 0x49, 0xa9, 0x66}, make([]byte, 30)), element([]byte{0x16, 0x54, 0xae, 0x6b}, tracks), element([]byte{0x1f, 0x43, 0xb6, 0x75}, make([]byte, 3000))}, nil)
	return append(element([]byte{0x1a, 0x45, 0xdf, 0xa3}, []byte{0x42, 0x82, 0x84}, []byte("webm")), segment...)
}

func ogg(codec string) []byte {
	return append(append([]byte("OggS\x00\x02"+strings.Repeat("\x00", 20)+"\x01\x13"), codec...), make([]byte, 100)...)
}

func TestBytesTellWhatAFileIs(t *testing.T) {
	for name, c := range map[string]struct {
		bytes             []byte
		contentType, kind string
	}{
		"png":                          {[]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "image/png", event.MediaImage},
		"jpeg":                         {[]byte("\xff\xd8\xff\xe0\x00\x10JFIF"), "image/jpeg", event.MediaImage},
		"gif":                          {[]byte("GIF89a\x01\x00\x01\x00"), "image/gif", event.MediaImage},
		"webp":                         {[]byte("RIFF\x20\x00\x00\x00WEBPVP8 \x00\x00\x00\x00"), "image/webp", event.MediaImage},
		"pdf":                          {[]byte("%PDF-1.7\n1 0 obj"), "application/pdf", event.MediaPDF},
		"mp3":                          {append([]byte{0xff, 0xfb, 0x90, 0x64}, make([]byte, 400)...), "audio/mpeg", event.MediaAudio},
		"wav":                          {[]byte("RIFF\x24\x00\x00\x00WAVEfmt "), "audio/wav", event.MediaAudio},
		"flac":                         {[]byte("fLaC\x00\x00\x00\x22"), "audio/flac", event.MediaAudio},
		"opus in ogg":                  {ogg("OpusHead"), "audio/ogg", event.MediaAudio},
		"vorbis in ogg":                {ogg("\x01vorbis"), "audio/ogg", event.MediaAudio},
		"film in ogg":                  {ogg("\x80theora"), "video/ogg", event.MediaVideo},
		"m4a":                          {mp4("M4A ", "soun"), "audio/mp4", event.MediaAudio},
		"a voice note of Safari":       {mp4("iso5", "soun"), "audio/mp4", event.MediaAudio},
		"film":                         {mp4("isom", "soun", "vide"), "video/mp4", event.MediaVideo},
		"film of a telephone":          {mp4("qt  ", "soun", "vide", "meta"), "video/quicktime", event.MediaVideo},
		"mp4 with nothing":             {mp4("isom"), "video/mp4", event.MediaVideo},
		"a voice note of Chrome":       {webm(2), "audio/webm", event.MediaAudio},
		"webm":                         {webm(2, 1), "video/webm", event.MediaVideo},
		"webm with nothing":            {webm(), "video/webm", event.MediaVideo},
		"a JPEG that is a page too":    {[]byte("\xff\xd8\xff\xfe<html><script>alert(1)</script>"), "image/jpeg", event.MediaImage},
		"a PDF that is a script too":   {[]byte("%PDF-1.7 */=1;alert(1)//"), "application/pdf", event.MediaPDF},
		"svg":                          {[]byte("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"), "image/svg+xml", event.MediaFile},
		"svg behind a head":            {[]byte("<?xml version=\"1.0\"?>\n<!-- x -->\n<svg xmlns='http://www.w3.org/2000/svg'/>"), "image/svg+xml", event.MediaFile},
		"page":                         {[]byte("  <!DOCTYPE html><script>alert(1)</script>"), "text/html", event.MediaFile},
		"xml":                          {[]byte("<?xml version='1.0'?><a/>"), "text/xml", event.MediaFile},
		"script":                       {[]byte("#!/usr/bin/env node\nalert(1)"), "text/javascript", event.MediaFile},
		"text":                         {[]byte("just words"), "text/plain", event.MediaFile},
		"json":                         {[]byte(`{"a": 1}`), "application/json", event.MediaFile},
		"archive":                      {[]byte("PK\x03\x04\x14\x00\x00\x00\x08\x00"), "application/zip", event.MediaFile},
		"program":                      {append([]byte("MZ\x90\x00"), make([]byte, 100)...), "application/vnd.microsoft.portable-executable", event.MediaFile},
		"tiff":                         {[]byte("II*\x00\x08\x00\x00\x00"), "image/tiff", event.MediaFile},
		"anything":                     {[]byte{1, 2, 3, 200, 0, 0}, opaqueType, event.MediaFile},
		"one byte":                     {[]byte{0}, opaqueType, event.MediaFile},
		"multipart page by its suffix": {[]byte("MIME-Version: 1.0\nContent-Type: multipart/related\n\n<html>"), "text/plain", event.MediaFile},
	} {
		contentType, kind, _, err := sniff(bytes.NewReader(c.bytes), int64(len(c.bytes)))
		if err != nil || contentType != c.contentType || kind != c.kind {
			t.Errorf("%s: %s, %s, %v; want %s, %s", name, contentType, kind, err, c.contentType, c.kind)
		}
	}
}

func TestContainersThatLieEnd(t *testing.T) {
	endless := append(box("ftyp", []byte("isomisom")), bytes.Repeat([]byte("\x00\x00\x00\x08free"), 10_000)...)
	large := append(box("ftyp", []byte("isomisom")), "\x00\x00\x00\x01moov\x7f\xff\xff\xff\xff\xff\xff\xff"...)
	if got := tracksMP4(bytes.NewReader(endless), int64(len(endless))); got != tracksUnknown {
		t.Errorf("boxes without end: %d", got)
	}
	if got := tracksMP4(bytes.NewReader(large), int64(len(large))); got != tracksUnknown {
		t.Errorf("a box that is larger than its file: %d", got)
	}
	deep := bytes.Repeat([]byte{0xae, 0xff}, 10_000)
	if got := tracksWebM(bytes.NewReader(deep), int64(len(deep))); got != tracksUnknown {
		t.Errorf("tracks in tracks: %d", got)
	}
}

func FuzzSniff(f *testing.F) {
	f.Add(mp4("isom", "soun", "vide"))
	f.Add(webm(2))
	f.Add(ogg("OpusHead"))
	f.Add([]byte("%PDF-1.7"))
	f.Add([]byte("<svg/>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		contentType, kind, _, err := sniff(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		tracksMP4(bytes.NewReader(b), int64(len(b)))
		tracksWebM(bytes.NewReader(b), int64(len(b)))
		for _, word := range []string{"html", "svg", "xml", "script"} {
			if strings.Contains(contentType, word) && kind != event.MediaFile {
				t.Errorf("%s is shown as %s", contentType, kind)
			}
		}
		if strings.ContainsAny(contentType, "; \r\n") {
			t.Errorf("the content type %q has parameters", contentType)
		}
	})
}
