package app

import (
	"context"
	"fmt"

	"parley/internal/demo"
	"parley/internal/event"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/webhook"
	"parley/internal/widget"
	"parley/web"
)

// DemoLinks are where a newcomer goes.
type DemoLinks struct{ Shop, MessageCenter, Inspector string }

// demoHooks are the endpoints that call the inspector: the name is the last part of their path and their dialect.
var demoHooks = []struct{ dialect, name string }{
	{"userlike", "Inspector: API add-on form"},
	{"standard", "Inspector: standard form"},
}

// SeedDemo makes what the demo shows where it is missing, adds the demo's pages, and returns the links. The sign-in link is
// a new one at each start.
func (a *App) SeedDemo(ctx context.Context) (*DemoLinks, error) {
	by := team.System()
	operators, err := a.team.List(ctx)
	if err != nil {
		return nil, err
	}
	if len(operators) == 0 {
		for _, n := range []team.NewOperator{
			{Email: "kim@demo.example", FirstName: "Kim", LastName: "Demo", Role: team.RoleAdmin},
			{Email: "sam@demo.example", FirstName: "Sam", LastName: "Demo", Role: team.RoleOperator},
		} {
			made, err := a.team.Create(ctx, by, n, once.Key{})
			if err != nil {
				return nil, fmt.Errorf("make demo operator: %w", err)
			}
			operators = append(operators, made.Operator)
		}
	}
	w, err := a.demoWidget(ctx, by, operators)
	if err != nil {
		return nil, err
	}
	secrets, err := a.demoEndpoints(ctx, by)
	if err != nil {
		return nil, err
	}
	demo.Register(a.mux, demo.Options{Pages: web.Demo(), Snippet: widget.Snippet(a.Config.PublicURL, w.Key), Secrets: secrets, Page: httpapi.Pages})
	token, err := a.team.CreateLink(ctx, by, operators[0].ID, 0, once.Key{})
	if err != nil {
		return nil, fmt.Errorf("make sign-in link: %w", err)
	}
	return &DemoLinks{a.Config.PublicURL + "/demo/shop", SignInLink(a.Config.PublicURL, token), a.Config.PublicURL + "/demo/inspector"}, nil
}

func (a *App) demoWidget(ctx context.Context, by team.Actor, operators []*event.Operator) (*event.Widget, error) {
	list, err := a.widgets.List(ctx)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 {
		return list[0], nil
	}
	var members []id.Operator
	for _, o := range operators {
		members = append(members, o.ID)
	}
	g, err := a.team.CreateGroup(ctx, by, "Support", members, once.Key{})
	if err != nil {
		return nil, fmt.Errorf("make demo group: %w", err)
	}
	return a.widgets.Create(ctx, by, once.Key{}, widget.Change{
		Name: new("Demo shop"), Title: new("Ask the shop"), Subtitle: new("We usually answer in a few minutes"),
		Greeting: new("Hello! How can we help you?"), GroupID: &g.ID,
		RatingForm: new(event.RateStars), AskFeedback: new(true),
		Survey: &event.SurveyForm{Question: "Did we solve it?", Options: []string{"Yes", "Partly", "No"}},
		Goals: &[]event.Goal{
			{Name: "Order placed", Match: event.GoalExact, Pattern: "/demo/shop/order"},
			{Name: "Something in the bag", Match: event.GoalScript, Pattern: "bag"},
		},
	})
}

// demoEndpoints makes or finds the endpoints of the inspector, points them to this start's address and gives the inspector
// fresh secrets to check signatures with.
func (a *App) demoEndpoints(ctx context.Context, by team.Actor) (map[string]string, error) {
	list, err := a.hooks.ListEndpoints(ctx, by)
	if err != nil {
		return nil, err
	}
	secrets := map[string]string{}
	for _, h := range demoHooks {
		url := a.Config.PublicURL + "/demo/inspector/hooks/" + h.dialect
		var key secret.String
		var have *webhook.Endpoint
		for _, e := range list {
			if e.Name == h.name {
				have = e
			}
		}
		if have == nil {
			_, key, err = a.hooks.CreateEndpoint(ctx, by, once.Key{}, webhook.Draft{Name: &h.name, URL: &url, Dialect: &h.dialect, Events: &[]string{}})
		} else if _, err = a.hooks.UpdateEndpoint(ctx, by, have.ID, webhook.Draft{URL: &url}); err == nil {
			key, err = a.hooks.RotateSecret(ctx, by, once.Key{}, have.ID)
		}
		if err != nil {
			return nil, fmt.Errorf("demo endpoint %s: %w", h.dialect, err)
		}
		secrets[h.dialect] = key.Reveal()
	}
	return secrets, nil
}
