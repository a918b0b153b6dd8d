package eventtest

import (
	"math"
	"reflect"
	"time"

	"parley/internal/event"
)

// Arbitrary returns an event of which every field holds anything that JSON can say, whether it makes sense or not: for tests of what
// writes and reads events. pick draws a number below n.
func Arbitrary(pick func(n int) int) *event.Event {
	e := new(event.Event)
	fill(reflect.ValueOf(e).Elem(), pick)
	return e
}

// customs are JSON texts as they may come.
var customs = []event.RawJSON{"", "{}", "{}", `{"basket":{"id":7,"items":["a","b"],"total":12.5},"vip":true}`, " { \"a\" : [ 1 , \"x  y\" ] ,\n\t\"b\":{ } } ",
	`{"<b>":"& \u003c \u2028 😀` + "\u2028\u2029" + `\\ \"<\""}`, `{"a":1,"a":2}`, `{"half":"\ud83d"}`, `{"n":[-0.50e+10,0,true,false,null,12345678901234567890]}`,
	`[[]]`, `"<"`}

var texts = []string{"a", "Hello, can you help me?", "<b>&amp;</b>", `"quoted\"`, "line\r\nline\ttab", "\x00\x01\x1f\x7f\b\f", "\u2028\u2029\u2027", "é", "שלום", "😀",
	"\xff", "\xed\xa0\x80", "\xe2\x80", "\ufffd", "01234567", "0123456"}

func fill(v reflect.Value, pick func(n int) int) {
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		*at = anyTime(pick)
		return
	case *event.RawJSON:
		*at = customs[pick(len(customs))]
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), pick)
		}
	case reflect.Pointer:
		if pick(2) == 1 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), pick)
		}
	case reflect.Slice:
		if n := pick(4); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n-1, n-1))
			for i := range n - 1 {
				fill(v.Index(i), pick)
			}
		}
	case reflect.String:
		s := ""
		for range pick(4) {
			s += texts[pick(len(texts))]
		}
		v.SetString(s)
	case reflect.Int, reflect.Int64:
		v.SetInt([]int64{0, 1, -1, 42, 1<<53 - 1, math.MaxInt64, math.MinInt64, 999999999999999999, -1000000000000000000}[pick(9)])
	case reflect.Float64:
		v.SetFloat([]float64{0, 52.52, -13.405, 1e21, 1e20, 1e-6, 1e-7, 1.5e-12, math.MaxFloat64, math.SmallestNonzeroFloat64}[pick(10)])
	case reflect.Bool:
		v.SetBool(pick(2) == 1)
	default:
		panic("no arbitrary " + v.Type().String())
	}
}

func anyTime(pick func(n int) int) time.Time {
	switch pick(20) {
	case 0, 1, 2, 3:
		return time.Time{}
	case 4, 5:
		return start.In(time.FixedZone("", 60*(pick(24*60)-12*60)))
	case 6:
		return time.Date(pick(10000), time.Month(1+pick(12)), 1+pick(28), pick(24), pick(60), pick(60), pick(1e9), time.UTC)
	case 7:
		return []time.Time{time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
			time.Date(2024, 2, 29, 0, 0, 0, 1000, time.UTC), start.In(time.FixedZone("", 90))}[pick(4)]
	}
	return start.Add(time.Duration(pick(1e9)) * time.Microsecond)
}
