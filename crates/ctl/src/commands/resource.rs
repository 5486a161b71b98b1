use otpost_ipc::admin::{AdminOp, ResourceSettings};

use super::Session;
use crate::{
    CtlError, Exit,
    args::{ResourceCommand, ResourceOptions},
};

pub(super) fn run(command: ResourceCommand, session: &mut Session<'_, '_>) -> Result<Exit, CtlError> {
    session.ask(match command {
        ResourceCommand::Add { name, options } => AdminOp::ResourceAdd {
            name,
            set: settings(None, options),
        },
        ResourceCommand::Set {
            name,
            rename,
            options,
        } => AdminOp::ResourceSet {
            name,
            set: settings(rename, options),
        },
        ResourceCommand::Show { name } => AdminOp::ResourceShow { name },
        ResourceCommand::List => AdminOp::ResourceList,
        ResourceCommand::Remove { name } => AdminOp::ResourceRemove { name },
    })
}

fn settings(name: Option<String>, options: ResourceOptions) -> ResourceSettings {
    let services = options.no_pam_services || !options.pam_service.is_empty();
    ResourceSettings {
        name,
        enabled: options.enabled,
        failed_attempts: options.failed_attempts,
        tries: options.tries,
        digits: options.digits,
        validity: options.validity,
        unenrolled: options.unenrolled.map(|verdict| verdict.name().to_owned()),
        disabled: options.disabled_token.map(|verdict| verdict.name().to_owned()),
        pam_services: services.then_some(options.pam_service),
        shared_phones: options.shared_phones,
        region: if options.no_region {
            Some(String::new())
        } else {
            options.region
        },
    }
}
