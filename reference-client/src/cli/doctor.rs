//! `purser doctor`: what is in order, and what to do about the rest.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use hyper::Method;
use purser_client::connect::Request;
use purser_client::home::Home;
use purser_client::issuer::sandbox_clock;
use purser_client::session::Session;
use purser_client::terms::when;
use purser_client::{Class, Error, Result, keys};
use purser_protocol::limits::SKEW_SECONDS;
use purser_protocol::time::UnixSeconds;
use serde_json::json;

use super::Done;
use super::done::code;

/// One thing looked at.
struct Check {
    name: &'static str,
    found: Result<String>,
}

pub(super) async fn run(home: Home) -> Result<Done> {
    let mut checks = vec![Check { name: "folder", found: folder(&home) }];
    match Session::offline(home.clone()) {
        Err(error) => checks.push(Check { name: "config", found: Err(error) }),
        Ok(mut session) => {
            let config = format!("issuer {} of the network {}", session.issuer.id, session.config.network);
            checks.push(Check { name: "config", found: Ok(config) });
            checks.extend(keys_of(&session));
            checks.push(Check { name: "attempts", found: attempts(&session) });
            let reached = session.discover().await.map(|()| session.issuer.url.origin());
            let is_reached = reached.is_ok();
            checks.push(Check { name: "issuer", found: reached });
            if is_reached {
                checks.push(Check { name: "clock", found: clock(&session).await });
                let account = match session.with_clock().await {
                    Ok(session) => account(&session).await,
                    Err(error) => Err(error),
                };
                checks.push(Check { name: "account", found: account });
            }
        }
    }
    Ok(done(&checks))
}

fn done(checks: &[Check]) -> Done {
    let mut text = String::new();
    let mut list = Vec::new();
    for Check { name, found } in checks {
        match found {
            Ok(what) => text.push_str(&format!("ok    {name}: {what}\n")),
            Err(error) => {
                text.push_str(&format!("FAIL  {name}: {error}\n"));
                text.push_str(&format!("  fix {}\n", fix(error)));
            }
        }
        let error = found.as_ref().err();
        list.push(json!({
            "name": name,
            "ok": found.is_ok(),
            "what": found.as_ref().map_or_else(ToString::to_string, Clone::clone),
            "fix": error.map(fix),
        }));
    }
    let failed: Vec<_> = checks.iter().filter_map(|check| check.found.as_ref().err()).collect();
    let exit = match failed.as_slice() {
        [] => code::DONE,
        some if some.iter().all(|error| error.class() == Class::Unreachable) => code::UNREACHABLE,
        _ => code::FAILED,
    };
    Done::new(text, json!({ "checks": list })).exit(exit)
}

fn fix(error: &Error) -> &str {
    error.remedy().unwrap_or(match error.class() {
        Class::Unreachable | Class::Unknown => "check the network and the issuer, then run this again",
        Class::Usage | Class::Failed | Class::Forked => "put right what the line above names, then run this again",
    })
}

fn folder(home: &Home) -> Result<String> {
    let dir = home.dir();
    let mode = fs::metadata(dir).map_err(|error| Error::file(dir, &error).fix("purser init makes it"))?;
    let mode = mode.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let error = Error::failed(format!("others than its owner can look into it (mode {mode:o})")).at(dir.display());
        return Err(error.fix(format!("chmod 700 {}", dir.display())));
    }
    Ok(dir.display().to_string())
}

fn keys_of(session: &Session) -> Vec<Check> {
    use purser_protocol::sign::Signer as _;
    let config = &session.config.keys;
    let named = [("person's key", &config.person), ("agent's key", &config.agent)];
    let check = |(name, path): (&'static str, &Option<std::path::PathBuf>)| {
        let path = path.as_ref()?;
        let found = keys::load(&session.home.path(path)).map(|signer| signer.public_key().id().to_string());
        Some(Check { name, found })
    };
    named.into_iter().filter_map(check).collect()
}

fn attempts(session: &Session) -> Result<String> {
    let open = session.home.attempts().open()?;
    let doubtful = open.iter().filter(|kept| kept.state.is_in_doubt()).count();
    if doubtful > 0 {
        let error = Error::failed(format!("{doubtful} payments are in doubt"));
        return Err(error.fix("purser payment resume"));
    }
    Ok(format!("none in doubt, {} paid and not delivered", open.len()))
}

/// The machine's clock, or the one that is used in its place, against the issuer's.
async fn clock(session: &Session) -> Result<String> {
    let issuer = &session.issuer;
    let theirs = match sandbox_clock(&issuer.connector, &issuer.url).await {
        Ok(now) => now,
        Err(_) => date(session).await?,
    };
    let ours =
        if session.config.clock == purser_client::home::TimeSource::Issuer { theirs } else { issuer.clock.now() };
    let apart = ours.get().abs_diff(theirs.get());
    // The header is in whole seconds, and took its time.
    if apart > SKEW_SECONDS {
        let error = Error::failed(format!("{apart} s apart: here {ours}, at the issuer {theirs}"));
        return Err(
            error.fix("set this machine's clock; for a sandbox whose clock is set, clock = \"issuer\" in config.toml")
        );
    }
    Ok(format!("{apart} s apart"))
}

async fn date(session: &Session) -> Result<UnixSeconds> {
    let url = session.issuer.url.with_target("/.well-known/purser");
    let response = session.issuer.connector.send(&Request::new(Method::GET, url)).await?;
    let date = response.header("date").and_then(when::http_date);
    date.ok_or_else(|| Error::failed("the issuer does not say what time it is").at(session.issuer.url.origin()))
}

async fn account(session: &Session) -> Result<String> {
    let (Some(account), Some(_)) = (&session.config.issuer.account, &session.config.keys.person) else {
        return Ok("none here".to_owned());
    };
    let view = session.issuer.account(&session.person()?).await?;
    if view.account == *account {
        return Ok(format!("{account} with {} balances", view.balances.len()));
    }
    let error = Error::failed(format!("the issuer knows the person's key as {}", view.account));
    Err(error.fix("correct issuer.account in config.toml"))
}
