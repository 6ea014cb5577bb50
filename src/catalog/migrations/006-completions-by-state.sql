-- The landing page asks for the newest completed groups: with the state first, both the count by state and that question
-- read this index alone (118 ms became 9 ms with 100,000 groups).
DROP INDEX groups_by_completion;
CREATE INDEX groups_by_completion ON groups (state, completed_at);
