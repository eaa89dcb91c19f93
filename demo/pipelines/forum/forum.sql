-- Bronze: every raw file once, with what does not fit rescued.
CREATE OR REFRESH STREAMING TABLE raw_posts
  COMMENT 'posts as they were collected'
  AS SELECT * FROM STREAM read_files('files/posts', format => 'json');

-- Silver: one row a post. What breaks an expectation is counted, put aside, or stops everything.
CREATE OR REFRESH MATERIALIZED VIEW posts (
  CONSTRAINT has_score EXPECT (score IS NOT NULL),
  CONSTRAINT is_dated  EXPECT (created IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT has_id    EXPECT (id IS NOT NULL)      ON VIOLATION FAIL UPDATE
) COMMENT 'one row a post, twice-written ones once'
  AS SELECT DISTINCT id, forum, author.name AS author, title, score, created FROM raw_posts;

-- Gold: what people ask for.
CREATE OR REFRESH MATERIALIZED VIEW claims
  COMMENT 'how often each claim is made, and how well it is received'
  AS SELECT title AS claim, count(*) AS posts, round(avg(score), 1) AS score
     FROM posts GROUP BY title;
