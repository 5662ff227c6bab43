//! What is kept, and how. Every blob is an object of SPEC §6: the server tells what it is, and opens none.

use rusqlite::{Connection, OptionalExtension, Result, params};
use sealroom::{Fingerprint, PublicIdentity, Replays, RoomId};

/// Bytes at the start of a segment that tell it from others: magic, suite, type, padding, signature, salt.
pub(crate) const SEGMENT_START: usize = 33;

const SCHEMA: &str = "
    -- Whose name is bound to which identity: the latest generation.
    CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, fingerprint BLOB NOT NULL UNIQUE) WITHOUT ROWID;
    -- All generations of everyone, for anyone.
    CREATE TABLE IF NOT EXISTS identity (fingerprint BLOB PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS transition (old BLOB PRIMARY KEY, bytes BLOB NOT NULL);
    -- Packages, messages, statements and grants, numbered as they came.
    CREATE TABLE IF NOT EXISTS object (
        number INTEGER PRIMARY KEY, room BLOB NOT NULL, package INTEGER NOT NULL, bytes BLOB NOT NULL);
    CREATE INDEX IF NOT EXISTS object_of_room ON object (room, number);
    -- Which rooms an account posted to or asked for: readers are not named in packages.
    CREATE TABLE IF NOT EXISTS visit (account TEXT, room BLOB, PRIMARY KEY (account, room)) WITHOUT ROWID;
    -- Keyrings, in parts.
    CREATE TABLE IF NOT EXISTS segment (number INTEGER PRIMARY KEY, account TEXT NOT NULL, bytes BLOB NOT NULL);
    -- The last answer to a device that an account links.
    CREATE TABLE IF NOT EXISTS answer (account TEXT PRIMARY KEY, bytes BLOB NOT NULL);
    -- Files and attachments, under names that tell nothing.
    CREATE TABLE IF NOT EXISTS file (name TEXT PRIMARY KEY, account TEXT NOT NULL, bytes BLOB NOT NULL);
    -- Proofs that were taken: none is taken twice, across restarts too.
    CREATE TABLE IF NOT EXISTS proof (digest BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS proof_until ON proof (until);
    -- One row: until when those were remembered that are forgotten.
    CREATE TABLE IF NOT EXISTS forgotten (until INTEGER NOT NULL);
    INSERT INTO forgotten SELECT 0 WHERE NOT EXISTS (SELECT * FROM forgotten);
";

const KEEP_IDENTITY: &str = "INSERT OR IGNORE INTO identity (fingerprint, bytes) VALUES (?1, ?2)";

pub(crate) struct Store(Connection);

impl Store {
    pub(crate) fn open(path: &str) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(connection))
    }

    // ---- people

    /// Binds a name to an identity; tells whether neither was bound before.
    pub(crate) fn register(&mut self, name: &str, identity: &PublicIdentity) -> Result<bool> {
        let fingerprint = identity.fingerprint().as_bytes();
        let bound = "INSERT OR IGNORE INTO account (name, fingerprint) VALUES (?1, ?2)";
        // A fingerprint that was succeeded is in `identity` only, and does not come back under another name.
        let known = self.identity(identity.fingerprint())?.is_some();
        let change = self.0.transaction()?;
        if known || change.execute(bound, params![name, fingerprint])? == 0 {
            return Ok(false);
        }
        change.execute(KEEP_IDENTITY, params![fingerprint, identity.to_bytes()])?;
        change.commit()?;
        Ok(true)
    }

    pub(crate) fn identity(&self, fingerprint: &Fingerprint) -> Result<Option<Vec<u8>>> {
        self.blob("SELECT bytes FROM identity WHERE fingerprint = ?1", fingerprint.as_bytes())
    }

    pub(crate) fn transition(&self, old: &Fingerprint) -> Result<Option<Vec<u8>>> {
        self.blob("SELECT bytes FROM transition WHERE old = ?1", old.as_bytes())
    }

    /// The identity that an account has now.
    pub(crate) fn account(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.blob("SELECT bytes FROM account JOIN identity USING (fingerprint) WHERE name = ?1", name)
    }

    /// Whose identity it is now: not one that was succeeded.
    pub(crate) fn account_of(&self, fingerprint: &Fingerprint) -> Result<Option<String>> {
        let query = "SELECT name FROM account WHERE fingerprint = ?1";
        self.0.query_row(query, [fingerprint.as_bytes()], |row| row.get(0)).optional()
    }

    /// Moves an account. The transition was followed.
    pub(crate) fn succeed(&mut self, old: &Fingerprint, transition: &[u8], new: &PublicIdentity) -> Result<()> {
        let all = self.0.unchecked_transaction()?;
        self.0.execute(KEEP_IDENTITY, params![new.fingerprint().as_bytes(), new.to_bytes()])?;
        all.execute("INSERT INTO transition (old, bytes) VALUES (?1, ?2)", params![old.as_bytes(), transition])?;
        let moved = "UPDATE account SET fingerprint = ?2 WHERE fingerprint = ?1";
        all.execute(moved, params![old.as_bytes(), new.fingerprint().as_bytes()])?;
        all.commit()
    }

    // ---- rooms

    pub(crate) fn post(&mut self, account: &str, room: &RoomId, package: bool, object: &[u8]) -> Result<()> {
        self.visit(account, room)?;
        let kept = "INSERT INTO object (room, package, bytes) VALUES (?1, ?2, ?3)";
        self.0.execute(kept, params![room.as_bytes(), package, object]).map(|_| ())
    }

    fn visit(&self, account: &str, room: &RoomId) -> Result<()> {
        let visit = "INSERT OR IGNORE INTO visit (account, room) VALUES (?1, ?2)";
        self.0.execute(visit, params![account, room.as_bytes()]).map(|_| ())
    }

    /// Of a room, all but the first `taken`.
    pub(crate) fn room(&self, account: &str, room: &RoomId, taken: u32) -> Result<Vec<Vec<u8>>> {
        self.visit(account, room)?;
        let query = "SELECT bytes FROM object WHERE room = ?1 ORDER BY number LIMIT -1 OFFSET ?2";
        self.blobs(query, params![room.as_bytes(), taken])
    }

    pub(crate) fn packages(&self, account: &str) -> Result<Vec<Vec<u8>>> {
        let query = "SELECT bytes FROM object JOIN visit USING (room) WHERE account = ?1 AND package ORDER BY number";
        self.blobs(query, params![account])
    }

    // ---- a person's own

    pub(crate) fn add_segment(&mut self, account: &str, segment: &[u8]) -> Result<()> {
        let kept = "INSERT INTO segment (account, bytes) VALUES (?1, ?2)";
        self.0.execute(kept, params![account, segment]).map(|_| ())
    }

    pub(crate) fn drop_segments(&mut self, account: &str, starts: &[[u8; SEGMENT_START]]) -> Result<()> {
        let change = self.0.transaction()?;
        for start in starts {
            let named = "DELETE FROM segment WHERE account = ?1 AND substr(bytes, 1, length(?2)) = ?2";
            change.execute(named, params![account, start])?;
        }
        change.commit()
    }

    pub(crate) fn segments(&self, account: &str) -> Result<Vec<Vec<u8>>> {
        self.blobs("SELECT bytes FROM segment WHERE account = ?1 ORDER BY number", params![account])
    }

    pub(crate) fn set_answer(&mut self, account: &str, answer: &[u8]) -> Result<()> {
        let kept = "INSERT OR REPLACE INTO answer (account, bytes) VALUES (?1, ?2)";
        self.0.execute(kept, params![account, answer]).map(|_| ())
    }

    pub(crate) fn answer(&self, account: &str) -> Result<Option<Vec<u8>>> {
        self.blob("SELECT bytes FROM answer WHERE account = ?1", account)
    }

    // ---- files

    /// Tells whether the name was free.
    pub(crate) fn put(&mut self, account: &str, name: &str, bytes: &[u8]) -> Result<bool> {
        let kept = "INSERT OR IGNORE INTO file (name, account, bytes) VALUES (?1, ?2, ?3)";
        self.0.execute(kept, params![name, account, bytes]).map(|count| count == 1)
    }

    pub(crate) fn file(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.blob("SELECT bytes FROM file WHERE name = ?1", name)
    }

    fn blob(&self, query: &str, key: impl rusqlite::ToSql) -> Result<Option<Vec<u8>>> {
        self.0.query_row(query, [key], |row| row.get(0)).optional()
    }

    /// Whether a digest is new; what is forgotten is not taken again where the clock is set back.
    fn remember(&mut self, digest: &[u8; 32], now: i64, until: i64) -> Result<bool> {
        let change = self.0.transaction()?;
        change.execute(
            "UPDATE forgotten SET until = max(until, (SELECT ifnull(max(until), 0) FROM proof WHERE until <= ?1))",
            [now],
        )?;
        change.execute("DELETE FROM proof WHERE until <= ?1", [now])?;
        let remember = "INSERT OR IGNORE INTO proof (digest, until)
            SELECT ?1, ?2 WHERE ?2 > (SELECT until FROM forgotten)";
        let first = change.execute(remember, params![digest, until])? == 1;
        change.commit()?;
        Ok(first)
    }

    fn blobs(&self, query: &str, keys: impl rusqlite::Params) -> Result<Vec<Vec<u8>>> {
        self.0.prepare_cached(query)?.query_map(keys, |row| row.get(0))?.collect()
    }
}

impl Replays for Store {
    fn first(&mut self, digest: &[u8; 32], now: u64, until: u64) -> bool {
        // What cannot be remembered is refused.
        let (Ok(now), Ok(until)) = (i64::try_from(now), i64::try_from(until)) else { return false };
        self.remember(digest, now, until) == Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealroom::{Error, Profile, Root, SystemRng};

    type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

    fn person(seed: u8, generation: u32) -> std::result::Result<sealroom::Identity, Error> {
        Root::from_bip39_seed(&[seed; 64]).identity(Profile::P256, generation, &mut SystemRng)
    }

    #[test]
    fn a_proof_is_taken_once_across_restarts_too() -> Outcome {
        let path = std::env::temp_dir().join(format!("sealroom-server-{}", std::process::id()));
        let path = path.to_str().ok_or("a path that is no text")?;
        let digest = [7; 32];
        assert!(Store::open(path)?.first(&digest, 100, 161));
        let mut store = Store::open(path)?;
        assert!(!store.first(&digest, 160, 221));
        assert!(store.first(&[8; 32], 160, 221));
        // It is forgotten when its time has passed; then its time refuses it.
        assert!(store.first(&digest, 161, 222));
        assert!(!store.first(&[9; 32], 161, u64::MAX), "what cannot be remembered is refused");
        Ok(std::fs::remove_file(path)?)
    }

    #[test]
    fn a_name_is_bound_once_and_moves_with_a_transition() -> Outcome {
        let mut store = Store::open(":memory:")?;
        let (alice, next, bob) = (person(1, 0)?, person(1, 1)?, person(2, 0)?);
        assert!(store.register("alice", alice.public())?);
        assert!(!store.register("alice", bob.public())?);
        assert!(!store.register("bob", alice.public())?);
        let old = *alice.public().fingerprint();
        store.succeed(&old, b"the transition", next.public())?;
        assert_eq!(store.account("alice")?, Some(next.public().to_bytes()));
        assert_eq!(store.account_of(&old)?, None);
        assert_eq!(store.transition(&old)?, Some(b"the transition".to_vec()));
        assert!(!store.register("bob", alice.public())?, "an identity that was succeeded comes back");
        assert!(store.succeed(&old, b"another", bob.public()).is_err(), "the first transition stands");
        assert_eq!(store.identity(bob.public().fingerprint())?, None);
        Ok(())
    }

    #[test]
    fn packages_are_those_of_rooms_that_were_visited() -> Outcome {
        let mut store = Store::open(":memory:")?;
        let rooms = [1, 2].map(|n| RoomId::from_bytes([n; RoomId::LEN]));
        for room in &rooms {
            store.post("bob", room, true, b"a package")?;
            store.post("bob", room, false, b"a message")?;
        }
        assert!(store.packages("alice")?.is_empty());
        assert_eq!(store.room("alice", &rooms[1], 1)?, [b"a message"]);
        assert_eq!(store.packages("alice")?, [b"a package"]);
        assert_eq!(store.packages("bob")?.len(), 2);
        Ok(())
    }
}
