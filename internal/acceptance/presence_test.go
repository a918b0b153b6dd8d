package acceptance

import (
	"testing"
	"time"
)

func TestS110_OperatorOnline(t *testing.T) {
	each(t, func(s *server) {
		group := s.group("Support")
		ann := s.operator("Ann", "Lee", "operator", group)
		e := s.addon("operator.online", "operator.offline", "operator.away", "operator.back")
		ann.tab()
		c := the(e, e.told("operator_online"), "operator_online")
		if c.number("id") != ann.id || c.number("operator_group", "id") != group || c.text("status") != "online" || c.text("status_previous") != "offline" {
			s.Errorf("online: %v", c)
		}
		ann.tab() // a second one is nothing new
		ann.is("away")
		e.told("operator_online", "operator_away")
	})
}

func TestS111_OperatorOffline(t *testing.T) {
	each(t, func(s *server) {
		ann, bob := s.operator("Ann", "Lee", "operator"), s.operator("Bob", "Ray", "operator")
		e := s.addon("operator.online", "operator.offline")
		first, second := ann.tab(), ann.tab()
		leave := bob.tab()
		first() // Ann has another tab
		began := time.Now()
		leave()
		calls := e.soon("operator_online", "operator_online", "operator_offline")
		if c := calls[2].body; c.number("id") != bob.id || c.text("status") != "offline" || c.text("status_previous") != "online" {
			s.Errorf("after the last tab was closed: %v", c)
		}
		if took := time.Since(began); took < 5*time.Second {
			s.Errorf("it took %v: a reload of the page would be told as offline", took)
		}
		ann.is("offline") // the switch needs no grace time
		e.told("operator_online", "operator_online", "operator_offline", "operator_offline")
		second() // she is offline already
		bob.tab()
		e.told("operator_online", "operator_online", "operator_offline", "operator_offline", "operator_online")
	})
}

func TestS112_OperatorAway(t *testing.T) {
	each(t, func(s *server) {
		ann := s.operator("Ann", "Lee", "operator")
		e := s.addon("operator.away")
		ann.tab()
		ann.is("away")
		ann.is("away")
		c := the(e, e.told("operator_away"), "operator_away")
		if c.number("id") != ann.id || c.text("status") != "away" || c.text("status_previous") != "online" {
			s.Errorf("away: %v", c)
		}
	})
}

func TestS113_OperatorBack(t *testing.T) {
	each(t, func(s *server) {
		ann := s.operator("Ann", "Lee", "operator")
		e := s.addon("operator.online", "operator.away", "operator.back")
		ann.tab()
		ann.is("away")
		ann.is("online")
		c := the(e, e.told("operator_online", "operator_away", "operator_back"), "operator_back")
		if c.text("status") != "online" || c.text("status_previous") != "away" {
			s.Errorf("back: %v", c)
		}
	})
}

func TestS114_WidgetConfig(t *testing.T) {
	each(t, func(s *server) {
		shop := s.shop(nil)
		e := s.addon("um_widget.config")
		at := path("/api/v1/widgets/%d", shop.id)
		changes := []object{
			{"title": "Questions?"}, {"session_timeout_seconds": 900}, {"privacy_mode": true}, {"rating_form": "thumbs"}, {"ask_feedback": false},
			{"survey": object{"question": "Why?", "options": []string{"a", "b"}}},
			{"goals": []object{{"name": "Newsletter", "match": "script", "pattern": "newsletter"}}},
		}
		var want []string
		for _, change := range changes {
			kept := s.admin().must("PATCH", at, change)
			if change["goals"] != nil {
				change = object{"goals": kept["goals"]} // as the editor sends them back, with their ids
			}
			s.admin().must("PATCH", at, change)
			want = append(want, "um_widget_config")
		}
		calls := e.told(want...)
		if c := calls[0].body; c.text("title") != "Questions?" || c.number("id") != shop.id {
			s.Errorf("the first call: %v", c)
		}
		c := calls[len(calls)-1].body
		if c.number("session_timeout_seconds") != 900 || c.at("privacy_mode") != true || c.text("rating_form") != "thumbs" || c.at("ask_feedback") != false ||
			c.text("survey_question") != "Why?" || len(c.list("survey_options")) != 2 || c.text("goals", 0, "pattern") != "newsletter" || c.number("goals", 0, "id") == 0 {
			s.Errorf("the last call: %v", c)
		}
	})
}
