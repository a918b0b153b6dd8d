package team

import (
	"errors"
	"fmt"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

const (
	sqlInsertGroup  = `INSERT INTO operator_groups (name, created_at) VALUES ($1, $2) RETURNING id`
	sqlRenameGroup  = `UPDATE operator_groups SET name = $2 WHERE id = $1`
	sqlDeleteGroup  = `DELETE FROM operator_groups WHERE id = $1`
	sqlGetGroup     = `SELECT id, name FROM operator_groups WHERE id = $1`
	sqlLockGroup    = `SELECT id, name FROM operator_groups WHERE id = $1 FOR UPDATE`
	sqlListGroups   = `SELECT id, name FROM operator_groups ORDER BY id`
	sqlGroupMembers = `SELECT operator_id FROM operator_group_members WHERE group_id = $1 ORDER BY operator_id`
	sqlGroupsOf     = `SELECT g.id, g.name FROM operator_groups g JOIN operator_group_members m ON m.group_id = g.id WHERE m.operator_id = $1 ORDER BY g.id`
	sqlAllMembers   = `SELECT m.operator_id, g.id, g.name FROM operator_group_members m JOIN operator_groups g ON g.id = m.group_id ORDER BY m.operator_id, g.id`
	sqlAddMember    = `INSERT INTO operator_group_members (group_id, operator_id) SELECT g.id, o.id FROM operator_groups g, operators o
WHERE g.id = $1 AND o.id = $2 ON CONFLICT DO NOTHING`
	sqlRemoveMember      = `DELETE FROM operator_group_members WHERE group_id = $1 AND operator_id = $2`
	sqlOperatorExists    = `SELECT COUNT(*) FROM operators WHERE id = $1`
	sqlWidgetsOfGroup    = `SELECT COUNT(*) FROM widgets WHERE group_id = $1`
	sqlConversationGroup = `SELECT COUNT(*) FROM (SELECT id FROM conversations WHERE group_id = $1 LIMIT 1) AS one`
)

func groupNameFault(err error, what string) error {
	if db.IsUnique(err) {
		return fault.New(fault.GroupName, "another group has this name").At("name").Because(err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func insertGroup(tx *db.Tx, g *event.Group) error {
	return groupNameFault(tx.One(sqlInsertGroup, []any{g.Name, db.Micros(tx.Now())}, &g.ID), "insert group")
}

func renameGroup(tx *db.Tx, g *event.Group) error {
	_, err := tx.Exec(sqlRenameGroup, int64(g.ID), g.Name)
	return groupNameFault(err, fmt.Sprintf("rename group %d", g.ID))
}

func deleteGroup(tx *db.Tx, groupID id.Group) error {
	if _, err := tx.Exec(sqlDeleteGroup, int64(groupID)); err != nil {
		return fmt.Errorf("delete group %d: %w", groupID, err)
	}
	return nil
}

// GetGroup returns a group by id and name, as tx sees it; fault group.not_found. OperatorIDs is left empty.
func GetGroup(tx *db.Tx, groupID id.Group) (*event.Group, error) {
	return oneGroup(tx, sqlGetGroup, groupID)
}

func lockGroup(tx *db.Tx, groupID id.Group) (*event.Group, error) {
	return oneGroup(tx, sqlLockGroup, groupID)
}

func oneGroup(tx *db.Tx, query string, groupID id.Group) (*event.Group, error) {
	g, err := db.First(tx, query, []any{int64(groupID)}, scanGroup)
	if errors.Is(err, db.ErrNoRows) {
		return nil, fault.Newf(fault.GroupNotFound, "there is no group %d", groupID)
	}
	if err != nil {
		return nil, fmt.Errorf("get group %d: %w", groupID, err)
	}
	return g, nil
}

// ListGroups returns all groups with their members, by id.
func ListGroups(tx *db.Tx) ([]*event.Group, error) {
	groups, err := db.All(tx, sqlListGroups, nil, scanGroup)
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	members, err := allMembers(tx)
	if err != nil {
		return nil, err
	}
	byID := map[id.Group]*event.Group{}
	for _, g := range groups {
		byID[g.ID] = g
	}
	for operator, of := range members {
		for _, g := range of {
			byID[g.ID].OperatorIDs = append(byID[g.ID].OperatorIDs, operator)
		}
	}
	for _, g := range groups {
		sortOperatorIDs(g.OperatorIDs)
	}
	return groups, nil
}

func groupMembers(tx *db.Tx, groupID id.Group) ([]id.Operator, error) {
	list, err := db.All(tx, sqlGroupMembers, []any{int64(groupID)}, scanOperatorID)
	if err != nil {
		return nil, fmt.Errorf("members of group %d: %w", groupID, err)
	}
	return list, nil
}

func groupsOf(tx *db.Tx, operatorID id.Operator) ([]event.Group, error) {
	list, err := db.All(tx, sqlGroupsOf, []any{int64(operatorID)}, func(r db.Scanner) (event.Group, error) {
		var g event.Group
		err := r.Scan(&g.ID, &g.Name)
		return g, err
	})
	if err != nil {
		return nil, fmt.Errorf("groups of operator %d: %w", operatorID, err)
	}
	return list, nil
}

func allMembers(tx *db.Tx) (map[id.Operator][]event.Group, error) {
	type row struct {
		operator id.Operator
		group    event.Group
	}
	rows, err := db.All(tx, sqlAllMembers, nil, func(r db.Scanner) (v row, err error) {
		err = r.Scan(&v.operator, &v.group.ID, &v.group.Name)
		return v, err
	})
	if err != nil {
		return nil, fmt.Errorf("list group members: %w", err)
	}
	out := map[id.Operator][]event.Group{}
	for _, v := range rows {
		out[v.operator] = append(out[v.operator], v.group)
	}
	return out, nil
}

func addMember(tx *db.Tx, groupID id.Group, operatorID id.Operator) error {
	if _, err := tx.Exec(sqlAddMember, int64(groupID), int64(operatorID)); err != nil {
		return fmt.Errorf("add operator %d to group %d: %w", operatorID, groupID, err)
	}
	return nil
}

func removeMember(tx *db.Tx, groupID id.Group, operatorID id.Operator) error {
	if _, err := tx.Exec(sqlRemoveMember, int64(groupID), int64(operatorID)); err != nil {
		return fmt.Errorf("remove operator %d from group %d: %w", operatorID, groupID, err)
	}
	return nil
}

func operatorExists(tx *db.Tx, operatorID id.Operator) (bool, error) {
	var n int
	if err := tx.One(sqlOperatorExists, []any{int64(operatorID)}, &n); err != nil {
		return false, fmt.Errorf("look for operator %d: %w", operatorID, err)
	}
	return n > 0, nil
}

// groupUsers says what still refers to a group: widgets that route to it, and conversations that belong to it.
func groupUsers(tx *db.Tx, groupID id.Group) (widgets, conversations int, err error) {
	if err := tx.One(sqlWidgetsOfGroup, []any{int64(groupID)}, &widgets); err != nil {
		return 0, 0, fmt.Errorf("widgets of group %d: %w", groupID, err)
	}
	if err := tx.One(sqlConversationGroup, []any{int64(groupID)}, &conversations); err != nil {
		return 0, 0, fmt.Errorf("conversations of group %d: %w", groupID, err)
	}
	return widgets, conversations, nil
}

func scanGroup(r db.Scanner) (*event.Group, error) {
	var g event.Group
	if err := r.Scan(&g.ID, &g.Name); err != nil {
		return nil, err
	}
	return &g, nil
}
