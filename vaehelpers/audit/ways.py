from vaehelpers.audit.calling.signatures import calls_of as ways_of, required_parameters
