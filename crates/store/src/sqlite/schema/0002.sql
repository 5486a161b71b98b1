-- How many users and tokens there are. To count them would read a whole index for every look at the overview or the audit log.
CREATE TABLE totals (
    what  TEXT PRIMARY KEY,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO totals SELECT 'users', count(*) FROM users;
INSERT INTO totals SELECT 'tokens', count(*) FROM tokens;

-- After, not before: a row that is replaced in place is none more.
CREATE TRIGGER users_more AFTER INSERT ON users BEGIN
    UPDATE totals SET count = count + 1 WHERE what = 'users';
END;
CREATE TRIGGER users_less AFTER DELETE ON users BEGIN
    UPDATE totals SET count = count - 1 WHERE what = 'users';
END;
CREATE TRIGGER tokens_more AFTER INSERT ON tokens BEGIN
    UPDATE totals SET count = count + 1 WHERE what = 'tokens';
END;
CREATE TRIGGER tokens_less AFTER DELETE ON tokens BEGIN
    UPDATE totals SET count = count - 1 WHERE what = 'tokens';
END;
