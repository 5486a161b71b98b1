-- How many users and tokens there are, and users of a resource. To count them would read a whole index for every page of the console.
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

CREATE TABLE resource_users (
    resource_id BLOB PRIMARY KEY,
    count       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO resource_users SELECT resource_id, count(*) FROM user_resources GROUP BY resource_id;

CREATE TRIGGER resource_users_more AFTER INSERT ON user_resources BEGIN
    INSERT INTO resource_users (resource_id, count) VALUES (NEW.resource_id, 1)
        ON CONFLICT (resource_id) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER resource_users_less AFTER DELETE ON user_resources BEGIN
    UPDATE resource_users SET count = count - 1 WHERE resource_id = OLD.resource_id;
END;

-- What administrators look for: logins, names, address, in lower case, a line each. The index holds all of it, so that a search reads
-- no bodies.
ALTER TABLE users ADD COLUMN words TEXT NOT NULL DEFAULT '';
UPDATE users SET words = lower(name || char(10)
    || coalesce((SELECT group_concat(value, char(10)) FROM json_each(body, '$.aliases')), '') || char(10)
    || coalesce(body ->> '$.profile.first-name', '') || ' ' || coalesce(body ->> '$.profile.last-name', '') || char(10)
    || coalesce(email, ''));
CREATE INDEX users_by_words ON users (name, words);
