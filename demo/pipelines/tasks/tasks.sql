-- Bronze: the files as they are, each once.
CREATE OR REFRESH STREAMING TABLE raw_gsm8k
  AS SELECT * FROM STREAM read_files('{data}/gsm8k', format => 'jsonl');

CREATE OR REFRESH STREAMING TABLE raw_svamp
  AS SELECT * FROM STREAM read_files('{data}/svamp/SVAMP.json', format => 'json');

-- Silver: one typed table of problems from three sources; logiqa.py gives the third.
CREATE OR REFRESH MATERIALIZED VIEW problems (
  CONSTRAINT has_question EXPECT (length(question) > 0) ON VIOLATION DROP ROW,
  CONSTRAINT has_answer   EXPECT (length(answer) > 0)   ON VIOLATION DROP ROW,
  CONSTRAINT known_split  EXPECT (split IN ('train', 'test', 'eval', 'all')) ON VIOLATION FAIL UPDATE
) COMMENT 'questions with checked answers'
  AS SELECT question, split(trim(split_part(answer, '####', 1)), '\n') AS steps,
            replace(trim(split_part(answer, '####', 2)), ',', '') AS answer, 'arithmetic' AS kind,
            CASE WHEN _metadata.file_path LIKE '%test%' THEN 'test' ELSE 'train' END AS split,
            'gsm8k' AS source
     FROM raw_gsm8k
     UNION ALL
     SELECT concat(body, ' ', question), array(equation), CAST(answer AS STRING), lower(type), 'all',
            'svamp'
     FROM raw_svamp
     UNION ALL
     SELECT question, steps, answer, 'logic', split, 'logiqa' FROM logiqa;

-- Gold
CREATE OR REFRESH MATERIALIZED VIEW overview
  AS SELECT source, split, count(*) AS problems, round(avg(size(steps)), 1) AS steps
     FROM problems GROUP BY source, split;
