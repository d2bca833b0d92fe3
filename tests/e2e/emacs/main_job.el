;; The main job in Emacs with Eglot, without a screen: implement, look, accept.  Prints what it saw as one line of JSON.
;; -*- lexical-binding: t; -*-

(setq ralphd-command (append (json-parse-string (getenv "RALPHD_COMMAND") :array-type 'list) nil)
      ralphd-beside '(((python-mode python-ts-mode) ("ruff" "server"))))
(load (getenv "RALPHD_EL") nil t)
(require 'eglot)
(setq eglot-connect-timeout 600 eglot-sync-connect 600 eglot-confirm-server-edits nil make-backup-files nil)

(defun wait-for (what ask)
  "Until ASK says something; an error that names WHAT where it takes longer than a hang does."
  (let ((end (+ (float-time) (string-to-number (getenv "RALPHD_PATIENCE_S")))) found)
    (while (not (setq found (funcall ask)))
      (when (> (float-time) end)
        (error "Not in time: %s; titles: %S" what (mapcar (lambda (one) (plist-get one :title)) (offered))))
      (accept-process-output nil 0.2))
    found))

(defun offered ()
  (ignore-errors (eglot-code-actions (line-beginning-position) (line-end-position))))

(defun action (title)
  (seq-find (lambda (one) (string-prefix-p title (plist-get one :title))) (offered)))

(find-file (getenv "RALPHD_FILE"))
(apply #'eglot (eglot--guess-contact))
(search-forward "    pass")
(let* ((implement (wait-for "implement" (lambda () (action "Ralph: implement"))))
       (beside (mapcar (lambda (one) (plist-get one :title)) (offered))))
  (eglot-execute (eglot-current-server) implement)
  (let ((accept (wait-for "a change to accept" (lambda () (action "Ralph: accept change"))))
        (before (buffer-string)))
    (eglot-execute (eglot-current-server) accept)
    (wait-for "the change" (lambda () (not (equal before (buffer-string)))))
    (princ (json-serialize
            (list :titles (vconcat beside) :before before :after (buffer-string)
                  :command (vconcat (process-command (jsonrpc--process (eglot-current-server)))))))
    (terpri)))
(kill-emacs 0)
