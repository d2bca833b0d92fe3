;;; ralphd.el --- ralphd beside the other language servers of a mode -*- lexical-binding: t; -*-

;; In your init: (load "/path/to/ralphd/editors/emacs/ralphd.el")
;;
;; lsp-mode runs several servers in a buffer: ralphd is added to the one that you use.
;;
;; Eglot runs one server for a mode.  The program `rass' (`uv tool install rassumfrassum') joins several into one, so that
;; your server stays.  Without `rass' your own server is started alone, and a message says so.
;;
;; `M-x eglot-code-actions' (lsp-mode: `lsp-execute-code-action') on a function offers what ralphd does.

;;; Code:

(defvar ralphd-command '("ralphd" "serve")
  "How ralphd is started.")

(defvar ralphd-beside
  '(((python-mode python-ts-mode) ("pylsp"))
    ((js-mode js-ts-mode typescript-mode typescript-ts-mode tsx-ts-mode) ("typescript-language-server" "--stdio"))
    ((go-mode go-ts-mode) ("gopls"))
    ((rust-mode rust-ts-mode) ("rust-analyzer")))
  "For Eglot: modes, and the servers that ralphd is started beside in them.
An entry is (MODES COMMAND...); a command is a list of strings.  Set it before this file is loaded.")

(defun ralphd-contact (servers)
  "The command line that starts ralphd and those of SERVERS that are installed."
  (let* ((found (seq-filter (lambda (server) (executable-find (car server))) servers))
         (all (append found (list ralphd-command))))
    (cond ((null found) ralphd-command)
          ((executable-find "rass")
           (cons "rass" (apply #'append (mapcar (lambda (server) (cons "--" server)) all))))
          (t (message "ralphd is not started: it needs `rass' to run beside %s (uv tool install rassumfrassum)"
                      (caar found))
             (car found)))))

(with-eval-after-load 'eglot
  (dolist (entry ralphd-beside)
    (let ((servers (cdr entry)))
      (add-to-list 'eglot-server-programs
                   (cons (car entry) (lambda (&rest _) (ralphd-contact servers)))))))

(declare-function lsp-register-client "lsp-mode")
(declare-function make-lsp-client "lsp-mode")
(declare-function lsp-stdio-connection "lsp-mode")

(with-eval-after-load 'lsp-mode
  (lsp-register-client
   (make-lsp-client
    :new-connection (lsp-stdio-connection (lambda () ralphd-command))
    :activation-fn (lambda (_file mode) (seq-some (lambda (entry) (memq mode (car entry))) ralphd-beside))
    :add-on? t
    :server-id 'ralphd)))

(provide 'ralphd)
;;; ralphd.el ends here
