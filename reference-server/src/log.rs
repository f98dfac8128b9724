//! Logs, to standard error: standard output is for the one line that says that the server is ready.

use std::io;

use tracing::Level;

use crate::config::{LogFormat, LogLevel, Shell};

/// Writes logs from here on as the configuration says.
///
/// Does nothing where a subscriber is set already, which is then the caller's choice.
pub fn to_stderr(config: &Shell) {
    let level = match config.log_level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    };
    let log = tracing_subscriber::fmt().with_writer(io::stderr).with_max_level(level);
    let _ = match config.log {
        LogFormat::Text => log.with_ansi(false).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}
