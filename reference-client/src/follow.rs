//! Who follows an issuer's log: keeps the last root that it took, and believes only what goes on from it.
//!
//! ```text
//! log/ISSUER.root             the last root that was taken
//! log/ISSUER.SIZE.ID.root     roots that contradict it, for others to see
//! ```

use std::fs;
use std::path::PathBuf;

use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::field::Bytes;
use purser_protocol::flow::log::{Followed, Logged, SignedRoot, agree, follow};
use purser_protocol::receipt::Root;
use purser_protocol::receipt::log::LoggedReceipt;
use purser_protocol::sign::Signed;

use crate::error::{Class, Error, Result};
use crate::home::{Home, write_durably};
use crate::issuer::Issuer;

/// Follows one issuer, from a folder.
pub struct Follower<'a> {
    home: &'a Home,
    issuer: &'a Issuer,
}

/// What was seen of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The root that is kept now.
    pub root: SignedRoot,
    /// How many batches were in the log that was kept before, if one was.
    pub before: Option<u64>,
}

impl<'a> Follower<'a> {
    /// A follower of this issuer that keeps its roots in this folder.
    pub fn new(home: &'a Home, issuer: &'a Issuer) -> Self {
        Self { home, issuer }
    }

    /// Asks for the latest root, and takes it when it goes on from the one that is kept; the first is taken as it
    /// is. An error of [`Class::Forked`] says that the issuer shows another history than before: what was kept
    /// stays, and what was shown is kept beside it. [RCT-25]
    pub async fn follow(&self) -> Result<Seen> {
        let Some((kept, _)) = self.kept()? else {
            let shown = self.issuer.checkpoint(None, None).await?;
            let (root, shown) = shown.ok_or_else(|| self.failed("its log is empty so far"))?;
            self.keep(&shown.root.0)?;
            return Ok(Seen { root, before: None });
        };
        let size = kept.root.log_size;
        // One that shows less than before may be a copy that is late: it is asked twice.
        for last in [false, true] {
            let (shown, proof) = match self.issuer.checkpoint(Some(size), None).await? {
                Some((root, shown)) => (root, shown),
                None => match self.issuer.checkpoint(None, None).await? {
                    Some((root, shown)) if root.root.log_size < size => (root, shown),
                    _ if last => return Err(self.shrunk(&kept.root, None)),
                    _ => continue,
                },
            };
            match follow(&kept.root, &shown.root, &proof.consistency.0) {
                Ok(Followed::Same) => return Ok(Seen { root: kept, before: Some(size) }),
                Ok(Followed::Later) => {
                    self.keep(&proof.root.0)?;
                    return Ok(Seen { root: shown, before: Some(size) });
                }
                Err(fault) if fault.code == Code::LogShrunk && !last => {}
                Err(fault) if fault.code == Code::LogShrunk => {
                    return Err(self.shrunk(&kept.root, Some((&shown, &proof.root.0))));
                }
                Err(fault) => return Err(self.forked(&kept.root, fault, &shown, &proof.root.0).await),
            }
        }
        Err(self.shrunk(&kept.root, None))
    }

    /// Proves that a receipt is in the log, as of the root that is then kept. [RCT-26]
    pub async fn prove(&self, receipt: &[u8]) -> Result<(LoggedReceipt, Logged)> {
        let verified = self.issuer.trust.receipt(receipt).map_err(|fault| Error::fault("receipt", fault))?;
        if verified.issuer != self.issuer.id {
            return Err(Error::usage(format!("the receipt is of {}, not of {}", verified.issuer, self.issuer.id)));
        }
        let latest = self.follow().await?.root.root.log_size;
        let own = &verified.root;
        if own.log_size > latest {
            return Err(self.shrunk(own, None));
        }
        let Some(proof) = self.issuer.inclusion(own.batch, latest).await? else {
            let what = format!("it does not prove that batch {} is in its log of {latest}", own.batch);
            return Err(self.wrong(Fault::new(Code::PathInvalid), what));
        };
        let logged = LoggedReceipt { receipt: Bytes(receipt.to_vec()), proof };
        match self.issuer.trust.logged(&logged) {
            Ok(proved) if proved.root.root.log_size == latest => {
                let (kept, _) = self.kept()?.ok_or_else(|| self.failed("the root that was kept is gone"))?;
                match agree(&kept.root, &proved.root.root) {
                    Ok(()) => Ok((logged, proved)),
                    Err(fault) => Err(self.forked(&kept.root, fault, &proved.root, &logged.proof.root.0).await),
                }
            }
            Ok(_) => Err(self.failed("it showed a root of another size")),
            Err(fault) => {
                let beside = self.keep_beside(&verified.root, receipt, "receipt");
                let what = format!("the receipt is not in the log that the issuer shows now: {fault}");
                Err(self.wrong(fault, what).fix(self.evidence(beside)))
            }
        }
    }

    /// The root that is kept.
    pub fn kept(&self) -> Result<Option<(SignedRoot, Vec<u8>)>> {
        let path = self.path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(&path, &error)),
        };
        let root = self.issuer.trust.root(&bytes).map_err(|fault| Error::fault("root that was kept", fault));
        root.map(|root| Some((root, bytes))).map_err(|error| error.at(path.display()))
    }

    fn keep(&self, root: &[u8]) -> Result<()> {
        self.create()?;
        write_durably(&self.path(), root, 0o600)
    }

    fn path(&self) -> PathBuf {
        self.home.path(format!("log/{}.root", self.issuer.id))
    }

    fn create(&self) -> Result<()> {
        let folder = self.home.path("log");
        fs::create_dir_all(&folder).map_err(|error| Error::file(&folder, &error))
    }

    /// Another history. The root of the kept one's size is asked for, since two of one size are proof for all.
    async fn forked(&self, kept: &Root, fault: Fault, shown: &SignedRoot, bytes: &[u8]) -> Error {
        let mut beside = vec![self.keep_beside(&shown.root, bytes, "root")];
        let (mut fault, mut what) = (fault, "the log that the issuer shows does not go on from the one before");
        if let Ok(Some((same_size, proof))) = self.issuer.checkpoint(None, Some(kept.log_size)).await
            && let Err(forked) = agree(kept, &same_size.root)
        {
            beside.push(self.keep_beside(&same_size.root, &proof.root.0, "root"));
            (fault, what) = (forked, "the issuer keeps two histories: it signed two logs of one size");
        }
        let beside = beside.into_iter().collect::<Result<Vec<_>>>();
        self.wrong(fault, what).fix(self.evidence(beside.map(|mut paths| paths.pop().unwrap_or_default())))
    }

    fn shrunk(&self, kept: &Root, shown: Option<(&SignedRoot, &[u8])>) -> Error {
        let now = match &shown {
            Some((root, _)) => format!("shows {}", root.root.log_size),
            None => "shows none of that size".to_owned(),
        };
        let what = format!("the issuer's log had {} batches and now {now}: it has lost what it signed", kept.log_size);
        let error = self.wrong(Fault::new(Code::LogShrunk), what);
        match shown {
            Some((root, bytes)) => error.fix(self.evidence(self.keep_beside(&root.root, bytes, "root"))),
            None => error,
        }
    }

    fn keep_beside(&self, root: &Root, bytes: &[u8], kind: &str) -> Result<PathBuf> {
        self.create()?;
        let id = Signed::<Root>::read(bytes).map(|signed| signed.id().to_string());
        let id = id.unwrap_or_else(|_| root.tree_root.to_string());
        let name = format!("log/{}.{}.{}.{kind}", self.issuer.id, root.log_size, &id[..16]);
        let path = self.home.path(name);
        write_durably(&path, bytes, 0o600).map(|()| path)
    }

    fn evidence(&self, kept: Result<PathBuf>) -> String {
        match kept {
            Ok(path) => format!("show others {} and {}", self.path().display(), path.display()),
            Err(error) => format!("what was shown could not be kept: {error}"),
        }
    }

    fn wrong(&self, fault: Fault, what: impl Into<String>) -> Error {
        let code = fault.code;
        Error::new(Class::Forked, what).at(self.issuer.url.origin()).coded(Some(code)).retry(code.retry())
    }

    fn failed(&self, what: &str) -> Error {
        Error::failed(what).at(self.issuer.url.origin())
    }
}
