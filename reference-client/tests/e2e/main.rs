//! The client against real sockets: an issuer, a merchant that can be told to misbehave, and the command itself.

mod ca;
mod cases;
mod issuer;
mod merchant;
mod scene;
