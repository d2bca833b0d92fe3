; What Ruby's tags.scm leaves out: constants that are assigned, and which words are variables.
(assignment left: (constant) @definition)

(call method: (identifier) @reference)
(constant) @reference
(identifier) @word

(assignment left: (identifier) @bound)
(left_assignment_list (identifier) @bound)
(method_parameters (identifier) @bound)
(block_parameters (identifier) @bound)
(optional_parameter name: (identifier) @bound)
(keyword_parameter name: (identifier) @bound)
(exception_variable (identifier) @bound)

((call method: (identifier) @_required arguments: (argument_list (string) @near)) (#match? @_required "^require"))
